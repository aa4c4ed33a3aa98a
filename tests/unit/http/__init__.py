"""Tests of the HTTP server: its parts by themselves, and over real sockets each of the two servers.

What a test sends is bytes, so that nothing mends a malformed request on its way.
"""
