"""The client interface: what a browser loads before push takes over."""
