"""Where the log lines go."""
