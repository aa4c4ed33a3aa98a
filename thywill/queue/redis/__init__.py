"""The store of a shared queue in a Redis or Valkey server."""
