"""The client interface: serves the pages, scripts and styles that a browser loads before it connects."""
