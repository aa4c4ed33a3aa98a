"""Histories of channels with a shared store: which messages belong to them, and the leader's copy.

The store keeps the histories. The copy is for hooks, which cannot wait for the store. It begins with the
histories that the store had at the takeover, and follows the log after that. This server may read an entry of
the log before it has read the store's histories, or after that:

    read    40 in "board"                        it waits, since the copy has not begun
    begin   "board" has 38, 40                   the copy is 38, 40; the waiting 40 is in it
    read    41 in "board"                        38, 40, 41
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from thywill.core.history import History, HistoryBounds, HistoryMessage
from thywill.core.message import Address
from thywill.core.positions import BITS, EPOCH
from thywill.queue.shared.operations import Kept
from thywill.queue.shared.rows import Posted


def kept_of(history: History | None, address: Address, total: int) -> Kept | None:
    """Return the bounds of the history to which a message belongs; None if it belongs to none.

    Args:
        history: has the rules of the application; None if it has none.
        address: the receivers of the message.
        total: bytes that all channels of the application may keep together.
    """
    bounds = history.bounds(address.name) if history is not None and address.kind == "channel" else None
    return None if bounds is None else Kept(bounds, total)


def sent_at(message_id: int) -> float:
    """Return when a message was added to the log, in whole seconds since the epoch."""
    return float((message_id >> BITS) + EPOCH)


class HistoryCopy:
    """The histories of one application's channels, as far as this server has read the log.

    Args:
        total: bytes that all channels may keep together.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._history: History | None = None
        self._newest: dict[str, int] = {}
        self._early: list[Posted] = []

    def begin(self, rules: Mapping[str, HistoryBounds], stored: Iterable[tuple[str, HistoryMessage]]) -> None:
        """Begin with the store's histories: pairs of channel and message, in order for each channel."""
        self._history = History(rules, self._total)
        for channel, message in stored:
            self._history.record(channel, message)
            self._newest[channel] = message.id
        early, self._early = self._early, []
        for entry in early:
            self.posted(entry)

    def posted(self, entry: Posted) -> None:
        """Add a message that was read in the log."""
        if self._history is None:
            self._early.append(entry)
        elif entry.address.kind == "channel" and entry.id > self._newest.get(entry.address.name, 0):
            message = HistoryMessage(entry.id, sent_at(entry.id), entry.message.data)
            self._history.record(entry.address.name, message)

    def messages(self, channel: str, now: float) -> list[bytes]:
        """Return the history of a channel, the oldest message first; ``now`` in seconds since the epoch."""
        return [] if self._history is None else self._history.messages(channel, now)
