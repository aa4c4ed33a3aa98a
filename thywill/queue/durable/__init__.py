"""The durable queue: messages, clients and unfinished steps are in a database and survive a restart."""
