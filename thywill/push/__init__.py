"""Push: what carries queued messages to browsers, and theirs to the server."""
