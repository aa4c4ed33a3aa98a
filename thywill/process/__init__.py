"""The process that the server runs in: signals, sockets, file descriptors, systemd."""
