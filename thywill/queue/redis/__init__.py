"""A queue that several servers share by a Redis or Valkey server."""
