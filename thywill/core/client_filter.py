"""Which clients somebody wants listed."""

from __future__ import annotations

import msgspec

from thywill.core.record import ClientRecord


class ClientFilter(msgspec.Struct, frozen=True):
    """What the records of the wanted clients have; None where that does not matter.

    Args:
        state, application, address: as in the record.
        transport: the transport, with what carries it (``sockjs xhr-streaming``) or without.
        seen: seconds ago since which the client was seen.
        limit: how many are wanted at most.
    """

    state: str | None = None
    application: str | None = None
    address: str | None = None
    transport: str | None = None
    seen: float | None = None
    limit: int = 1000

    def fits(self, record: ClientRecord, now: float) -> bool:
        """Return whether ``record`` is of a wanted client; ``now`` in seconds since the epoch."""
        whole = _plain(record.transport)
        return (
            self.state in (None, record.state)
            and self.application in (None, record.application)
            and self.address in (None, record.address)
            and (self.transport is None or _plain(self.transport) in (whole, whole.rpartition(" ")[2]))
            and (self.seen is None or record.seen >= now - self.seen)
        )


def _plain(transport: str) -> str:
    # SockJS writes xhr_streaming; records of earlier versions hold that form.
    return transport.replace("_", "-")
