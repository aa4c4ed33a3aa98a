"""``run.py --dev``: a change of the code restarts the server, a change of a page reloads it."""
