"""A queue that survives the server: it keeps messages, clients and unfinished steps in a database."""
