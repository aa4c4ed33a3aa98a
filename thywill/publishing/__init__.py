"""Publishing from outside: other programs send messages by ``POST /thywill/publish`` with a key."""
