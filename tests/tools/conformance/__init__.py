"""The server that the official SockJS suite is run against."""
