"""The application interface: between the hub and the applications."""
