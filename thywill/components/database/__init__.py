"""The client records."""
