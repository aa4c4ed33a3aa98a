"""The live clients of this process: their timers, their channels, and how messages reach them."""
