"""A client while it is alive, and the request that is parked for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from thywill.core.inbox import Inbox
from thywill.core.lifecycle import State
from thywill.core.outbox import Outbox
from thywill.core.record import ClientRecord
from thywill.core.user import NOBODY
from thywill.core.wheel import Timed
from thywill.errors import Gone
from thywill.hub.rates import ClientRates

log = logging.getLogger("thywill.hub")


class Receiver(Protocol):
    """A request of a browser that can be answered now or later: a parked poll or a stream.

    A poll ends with its first answer. It is passed to ``Hub.poll``, and releases its client (``Hub.release``)
    before it writes. A stream is passed to ``Hub.attach``, writes each message once, and releases its client
    when it closes.
    """

    def flush(self) -> None:
        """Write the messages that wait in the client's outbox."""
        ...

    def expire(self) -> None:
        """The hold time has passed: answer a poll without messages. A stream is called after every hold."""
        ...

    def supersede(self) -> None:
        """A newer request of the same client has replaced this one: answer and end it."""
        ...

    def retry(self, seconds: float) -> None:
        """The server drains: tell the browser to poll again after ``seconds``, and release the client."""
        ...

    def end(self, reason: Gone) -> None:
        """The client is gone: answer with ``reason``."""
        ...


class LiveClient(Timed):
    """One page in one browser: its identity, its outbox and inbox, and the request that is parked for it.

    There are thousands of clients, so a client holds only what it needs while it is parked.

    - ``created``, ``seen``, ``saved``: when it was created, when its browser's last request came, and when
      its record last changed, in seconds since the epoch.
    - ``identity``: its user; ``Directory.identify`` sets it.
    - ``greeted``: whether it has polled, so that the application knows it.
    - ``begun``, ``handled``: the numbers of its last message whose hook has begun, and whose hook has ended.
    - ``rates``: its limits for sending and polling; None until it needs them.
    - ``waiting``: whether it will be answered in the next turn of the loop.
    - ``timed``: the id of the message whose delay is measured, and when it was sent (``thywill.hub.meter``).
    """

    __slots__ = (
        "address",
        "application",
        "begun",
        "created",
        "data",
        "greeted",
        "handled",
        "id",
        "identity",
        "inbox",
        "outbox",
        "rates",
        "receiver",
        "saved",
        "seen",
        "session",
        "state",
        "timed",
        "token",
        "transport",
        "user_agent",
        "waiting",
    )

    def __init__(
        self, client_id: str, application: str, session: str, outbox: Outbox, inbox: Inbox, now: float
    ) -> None:
        super().__init__()
        self.id = client_id
        self.application = application
        self.session = session
        self.outbox = outbox
        self.inbox = inbox
        self.token = ""
        self.address = ""
        self.user_agent = ""
        self.transport = ""
        self.created = self.seen = self.saved = now
        self.state = State.DETACHED
        self.receiver: Receiver | None = None
        self.identity = NOBODY
        self.data: dict[str, Any] | None = None
        self.begun = self.handled = 0
        self.rates: ClientRates | None = None
        self.greeted = False
        self.waiting = False
        self.timed: tuple[int, float] | None = None

    def __str__(self) -> str:
        return self.id

    @property
    def pending(self) -> int:
        """How many messages of this client were accepted but are not handled yet."""
        return self.inbox.received - self.handled

    def record(self) -> ClientRecord:
        """Return the client's record for the database."""
        return ClientRecord(
            id=self.id,
            session=self.session,
            application=self.application,
            address=self.address,
            user_agent=self.user_agent,
            transport=self.transport,
            created=self.created,
            seen=self.seen,
            state=self.state.value,
            data=self.data or {},
        )


def guarded(client: LiveClient, step: Callable[[], None]) -> None:
    """Call ``step`` and log any error, so that the other clients of this turn are served all the same."""
    try:
        step()
    except Exception:
        log.exception("%s could not be answered", client)
