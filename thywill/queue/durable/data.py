"""What has changed of ``client.data``, to be noted with the step that has changed it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

from thywill.core.lifecycle import State
from thywill.core.record import encode_data
from thywill.hub.client import LiveClient
from thywill.hub.step import current

OUTSIDE = ""
"""In the place of a client's id: what no step has asked for."""


class DataNotes:
    """Compares the data of clients with what was noted last.

    A step's own client is looked at when the step ends, and whatever others it has asked for. A client whose
    own step has asked for its data is left out until that one ends: were the half of its change kept, the
    step would add to it when it is handled again after a crash. What the step of another client has put there
    meanwhile is noted with it, and lost if the server crashes before.
    """

    def __init__(self) -> None:
        self._noted: dict[str, bytes] = {}
        self._asked: dict[str, dict[str, LiveClient]] = {}

    def begin(self, client_id: str, data: dict[str, Any] | None) -> str | None:
        """Return the data of a client that is kept from now on, as JSON; None where there is none."""
        if not data:
            return None
        text, self._noted[client_id] = _encoded(data)
        return text

    def forget(self, client_id: str) -> None:
        """Let go of a client of which nothing is kept any more."""
        self._noted.pop(client_id, None)

    def asked(self, client: LiveClient) -> None:
        """The data of ``client`` is asked for, by the step under way or outside of any."""
        cause = current()
        owner = OUTSIDE if cause is None else cause.client
        self._asked.setdefault(owner, {})[client.id] = client

    def ended(self, client: LiveClient, *, last: bool) -> dict[str, str]:
        """A step of ``client`` has come to its end; return what has changed, as JSON, by the client's id.

        Of ``client`` itself nothing is kept after its last step.
        """
        asked = self._asked.pop(client.id, None)
        if last:
            self.forget(client.id)
        own = () if last or client.data is None else (client,)
        if not own and not asked:
            return {}
        return self._changes([*own, *self._free(asked or {}, client)])

    def outside(self, limit: int) -> tuple[dict[str, str], bool]:
        """Return the same of up to ``limit`` clients outside of any step, and whether there are more."""
        asked = self._asked.pop(OUTSIDE, {})
        taken = dict(islice(asked.items(), limit))
        for client_id in taken:
            del asked[client_id]
        if asked:
            self._asked[OUTSIDE] = asked
        return self._changes(self._free(taken)), bool(asked)

    def _free(self, asked: dict[str, LiveClient], owner: LiveClient | None = None) -> Iterable[LiveClient]:
        for client in asked.values():
            if client is owner or not client.greeted or client.state is State.GONE:
                continue
            if client.id not in self._asked.get(client.id, ()):
                yield client

    def _changes(self, clients: Iterable[LiveClient]) -> dict[str, str]:
        changes: dict[str, str] = {}
        for client in clients:
            mark = _mark(client.data or {})
            if mark != self._noted.get(client.id, EMPTY):
                changes[client.id], self._noted[client.id] = _encoded(client.data or {})
        return changes


EMPTY = b"{}"
UNKNOWN = b""
"""Of data that is noted as empty, as it is not JSON: whatever comes next differs from it."""


def _mark(data: dict[str, Any]) -> bytes | None:
    # To write this takes a tenth of the time of the JSON that is kept, but more is taken for JSON.
    try:
        return msgspec.json.encode(data)
    except Exception:  # noqa: BLE001 - an application may put anything there
        return None


def _encoded(data: dict[str, Any]) -> tuple[str, bytes]:
    try:
        return encode_data(data), _mark(data) or UNKNOWN
    except Exception:  # noqa: BLE001 - as above; the log says it when the client's record is written
        return EMPTY.decode(), UNKNOWN
