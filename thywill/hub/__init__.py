"""The live clients of this process, their timers, and how messages reach them."""
