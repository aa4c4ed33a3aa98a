"""Publishing from outside: messages that come by ``POST /thywill/publish`` with a key."""
