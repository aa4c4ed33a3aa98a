"""The steps of the test command, and what they need; standard library only."""
