"""The comparison: a stock SockJS server, and a client that does what sockjs-client does."""
