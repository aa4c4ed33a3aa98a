"""A soak: very many clients come, break off, vanish and expire, and nothing of them may be left."""
