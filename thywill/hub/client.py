"""A client as this process holds it while it is alive."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from thywill.core.inbox import Inbox
from thywill.core.lifecycle import State
from thywill.core.outbox import Outbox
from thywill.core.record import ClientRecord
from thywill.core.wheel import Timed
from thywill.errors import Gone

log = logging.getLogger("thywill.hub")


class Receiver(Protocol):
    """A request of a browser that the server can answer, now or later: a parked poll, a stream.

    One that is spent by one answer (``Hub.poll``) releases its client (``Hub.release``) before it writes;
    one that stays (``Hub.attach``) writes each message once, and releases its client when it closes.
    """

    def flush(self) -> None:
        """Write what waits in the client's queue."""
        ...

    def expire(self) -> None:
        """The hold time is over: write that there is nothing. One that stays is told again and again."""
        ...

    def supersede(self) -> None:
        """A newer request of the same client took this one's place."""
        ...

    def retry(self, seconds: float) -> None:
        """The server drains: tell the browser to come back after ``seconds``, and release the client."""
        ...

    def end(self, reason: Gone) -> None:
        """The client is gone: say so."""
        ...


class LiveClient(Timed):
    """One page in one browser: its identity, its queue both ways, and the request that is parked for it.

    Thousands of these exist, so a client holds nothing that it does not need while it is parked.
    ``created``, ``seen`` and ``saved`` are seconds since the epoch; ``pending`` counts the messages that
    were accepted and are not handled yet; ``timed`` is the id of a message whose delay is measured, and when
    it was sent (see ``thywill.hub.meter``); ``begun`` is the number of the last of its messages that the
    application has begun to handle.
    """

    __slots__ = (
        "address",
        "application",
        "begun",
        "created",
        "data",
        "greeted",
        "id",
        "inbox",
        "outbox",
        "pending",
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
        self.data: dict[str, Any] | None = None
        self.pending = self.begun = 0
        self.greeted = False
        self.waiting = False
        self.timed: tuple[int, float] | None = None

    def __str__(self) -> str:
        return self.id

    def record(self) -> ClientRecord:
        """Return what the database keeps of this client."""
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
    """Do ``step`` for ``client``; what it raises must not keep other clients of this turn waiting."""
    try:
        step()
    except Exception:
        log.exception("%s could not be answered", client)
