"""HTTP/1.1 on the event loop: requests are parsed in C, and a parked client costs few objects."""
