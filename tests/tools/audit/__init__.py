"""The auditor: clients over a faulty network, an ill-treated server, and an account of every message."""
