"""The server's process: signals, sockets, file descriptors, systemd, and the parent of several servers."""
