"""The facts of the SockJS protocol, tested on the services that its official suite asks for."""
