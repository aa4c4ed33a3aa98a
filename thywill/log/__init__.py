"""The log: formats the lines and writes them to the terminal or a file."""
