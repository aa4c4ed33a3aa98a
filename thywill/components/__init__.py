"""The replaceable parts: one folder a kind, ``base.py`` its contract, the other files implementations."""
