"""Tornado's own HTTP server, with the same interface as ours."""
