"""HTTP/1.1 on the event loop: requests parsed in C, and no object kept for a parked client but its own."""
