"""Benchmarks: measured figures, never asserted by a clock in a test."""
