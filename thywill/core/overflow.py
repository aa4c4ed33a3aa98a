"""The overflow policies: what happens when a client's outbox is full.

The policy of the message that *arrives* decides. With room for three messages, ``a`` in flight and ``b`` and
``c`` waiting, a new ``d`` leads to:

    drop_oldest   a Loss(b) c d   the oldest waiting message is dropped
    drop_newest   a b c Loss(d)   the new message is dropped
    disconnect                    the client is ended; a waiting message with this policy is never dropped
    conflate      a b d           if d has the key of c. This is no loss, since d is a newer state of the same
                                  thing, and it happens even while there is room. Otherwise as drop_oldest

A message in flight is neither dropped nor replaced, and a reply to a call is never dropped.
"""

from __future__ import annotations

import enum

from thywill.core.patterns import ByChannel


class Overflow(enum.Enum):
    """What to do with a message for which the outbox has no room."""

    DROP_OLDEST = "drop_oldest"  # drop the oldest waiting message instead
    DROP_NEWEST = "drop_newest"  # drop this message
    CONFLATE = "conflate"  # replace the waiting message with the same key, even where there is room
    DISCONNECT = "disconnect"  # end the client, with a reason


Policies = ByChannel[Overflow | None]
"""The overflow policies of one application; None means the settings' policy."""
