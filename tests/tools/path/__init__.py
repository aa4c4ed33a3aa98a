"""The path of one message through the server: which functions are called, in which files."""
