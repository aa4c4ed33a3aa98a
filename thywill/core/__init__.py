"""The engine without I/O: no clock, loop, socket, random source or log; time is an argument."""
