"""The queue: one message log for each application; the outboxes of clients hold parts of it."""
