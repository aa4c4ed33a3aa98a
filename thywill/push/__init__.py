"""Push: the transports, which carry messages between the server and browsers."""
