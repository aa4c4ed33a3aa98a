"""The queue: the message log that clients' queues are views of."""
