"""The process around a server: signals, sockets, systemd, file descriptors."""
