"""The rules of delivery, without I/O: no clock, loop, socket, random source or log.

Where time matters it is an argument, so every rule can be tested with literal times.
"""
