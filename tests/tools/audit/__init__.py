"""The auditor: clients over a faulty network, a server under faults, and an account of every message."""
