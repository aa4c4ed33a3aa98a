"""Tornado's own HTTP server behind the same door as ours."""
