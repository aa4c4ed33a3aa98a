"""The database: stores the clients' records, the durable queue, and the data of people."""
