"""Measures the game as its players have it."""
