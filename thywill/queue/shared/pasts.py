"""Which messages belong to the past of their channels, which the store keeps."""

from __future__ import annotations

from thywill.core.history import History
from thywill.core.message import Address
from thywill.queue.shared.operations import Kept


def kept_of(history: History | None, address: Address, total: int) -> Kept | None:
    """Return how much of its channel's past is kept with a message; None if it belongs to none.

    Args:
        history: has the rules of the application; None if it has none.
        address: whom the message is for.
        total: bytes that all channels of the application may keep together.
    """
    bounds = history.bounds(address.name) if history is not None and address.kind == "channel" else None
    return None if bounds is None else Kept(bounds, total)
