"""A server that is flooded while pages do not read. Its command starts without packages: import nothing."""
