"""A filter for lists of clients, as ``run.py clients`` and the status page show them."""

from __future__ import annotations

import msgspec

from thywill.core.record import ClientRecord


class ClientFilter(msgspec.Struct, frozen=True):
    """The conditions that a client's record has to meet; a field that is None is no condition.

    Args:
        state, application, address: as in the record.
        transport: the transport, with its component (``sockjs xhr-streaming``) or without.
        seen: the client was seen during the last so many seconds.
        limit: how many clients to list at most.
    """

    state: str | None = None
    application: str | None = None
    address: str | None = None
    transport: str | None = None
    seen: float | None = None
    limit: int = 1000

    def fits(self, record: ClientRecord, now: float) -> bool:
        """Return whether ``record`` meets the conditions; ``now`` is in seconds since the epoch."""
        whole = _plain(record.transport)
        return (
            self.state in (None, record.state)
            and self.application in (None, record.application)
            and self.address in (None, record.address)
            and (self.transport is None or _plain(self.transport) in (whole, whole.rpartition(" ")[2]))
            and (self.seen is None or record.seen >= now - self.seen)
        )


def _plain(transport: str) -> str:
    # Records of earlier versions have SockJS's own spelling, xhr_streaming.
    return transport.replace("_", "-")
