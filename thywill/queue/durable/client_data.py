"""Finds the changes of a step in ``client.data``, so that they are committed together with the step's end.

An application changes ``client.data`` at any time; nothing reports the change. So the queue remembers the
JSON that it last committed for each client, and compares it when a step ends. In this example client A has
the data ``{"n": 1}`` in the database:

    A's message 7 starts its step. The hook reads ``client.data``, which calls ``requested``.
    The hook sets ``n`` to 2 and publishes a message, which is committed before the step ends.
    If the server crashes here, the step runs again after the restart, again with ``{"n": 1}``.
    The hook ends: ``step_ended`` finds that ``{"n": 2}`` differs, and one transaction stores both
    "A has handled 7" and the new data.

If ``{"n": 2}`` had been committed before the crash, the repeated step would make it 3. For the same reason
the data of a client whose own step is running is not committed when steps of other clients end.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

from thywill.core.jsonable import explain
from thywill.core.lifecycle import State
from thywill.core.record import encode_data
from thywill.hub.client import LiveClient
from thywill.hub.step import current

log = logging.getLogger(__name__)

OUTSIDE = ""
"""Stands for a client's id if code outside of any step asked for the data."""

EMPTY = b"{}"
UNKNOWN = b""
"""The digest of data that was never stored: every other digest differs from it."""


class ClientData:
    """Compares the data of clients with the data that was committed last.

    When a step ends, the data of its own client is compared, and the data of all other clients for which it
    asked. If one of those clients has a running step of its own, its data is committed only when that step
    ends; the change is lost if the server crashes before.
    """

    def __init__(self) -> None:
        self._committed: dict[str, bytes] = {}
        self._requested: dict[str, dict[str, LiveClient]] = {}
        self._refused: set[str] = set()

    def track(self, client_id: str, data: dict[str, Any] | None) -> str | None:
        """Begin to compare the data of a client; return it as JSON, or None if it is empty."""
        if not data:
            return None
        return self._encode(client_id, data)

    def forget(self, client_id: str) -> None:
        """Stop comparing the data of a client whose rows are deleted."""
        self._committed.pop(client_id, None)
        self._refused.discard(client_id)

    def requested(self, client: LiveClient) -> None:
        """The running step, or code outside of any step, asks for the data of ``client``."""
        step = current()
        owner = OUTSIDE if step is None else step.client
        self._requested.setdefault(owner, {})[client.id] = client

    def step_ended(self, client: LiveClient, *, last: bool) -> dict[str, str]:
        """Return the data that the ended step of ``client`` has changed, as JSON by client id.

        Args:
            client: the client whose step has ended.
            last: whether this was the client's last step; then its own data is not stored any more.
        """
        requested = self._requested.pop(client.id, None)
        if last:
            self.forget(client.id)
        own = () if last or client.data is None else (client,)
        if not own and not requested:
            return {}
        return self._changes([*own, *self._without_own_step(requested or {}, client)])

    def outside_steps(self, limit: int) -> tuple[dict[str, str], bool]:
        """Return changes by code outside of steps, for up to ``limit`` clients, and whether more remain."""
        requested = self._requested.pop(OUTSIDE, {})
        taken = dict(islice(requested.items(), limit))
        for client_id in taken:
            del requested[client_id]
        if requested:
            self._requested[OUTSIDE] = requested
        return self._changes(self._without_own_step(taken)), bool(requested)

    def _without_own_step(
        self, requested: dict[str, LiveClient], owner: LiveClient | None = None
    ) -> Iterable[LiveClient]:
        for client in requested.values():
            if client is owner or not client.greeted or client.state is State.GONE:
                continue
            if client.id not in self._requested.get(client.id, ()):
                yield client

    def _changes(self, clients: Iterable[LiveClient]) -> dict[str, str]:
        changes: dict[str, str] = {}
        for client in clients:
            digest = _digest(client.data or {})
            if digest != self._committed.get(client.id, EMPTY):
                text = self._encode(client.id, client.data or {})
                if text is not None:
                    changes[client.id] = text
        return changes

    def _encode(self, client_id: str, data: dict[str, Any]) -> str | None:
        """Return ``data`` as JSON; None if it is not JSON, so that the last committed data stays."""
        try:
            text = encode_data(data)
        except Exception as error:  # noqa: BLE001 - an application may put anything there
            self._refuse(client_id, data, error)
            return None
        self._refused.discard(client_id)
        self._committed[client_id] = _digest(data) or UNKNOWN
        return text

    def _refuse(self, client_id: str, data: dict[str, Any], error: Exception) -> None:
        if client_id not in self._refused:
            self._refused.add(client_id)
            reason = explain(data, error)
            log.error("the data of client %s cannot be stored, and stays as it was: %s", client_id, reason)


def _digest(data: dict[str, Any]) -> bytes | None:
    # msgspec takes a tenth of the time of the encoder for the stored JSON.
    try:
        return msgspec.json.encode(data)
    except Exception:  # noqa: BLE001 - an application may put anything there
        return None
