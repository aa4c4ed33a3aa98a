"""Adds a client to a channel exactly after messages for this client alone (``thywill.core.history``).

The messages and the membership are one transaction, so after a crash both are there or neither is. If the
step runs again after a crash and finds its messages in the log, the membership is there, too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from thywill.core.changes import MembershipChange
from thywill.core.message import Address, Message
from thywill.errors import RequestError, Unavailable
from thywill.hub.client import LiveClient
from thywill.hub.ports import Then
from thywill.hub.step import Step, current
from thywill.queue.durable.group_commit import GroupCommit


class Add(Protocol):
    """Puts a message into the next transaction and returns its id."""

    def __call__(
        self,
        application: str,
        address: Address,
        message: Message,
        then: Then,
        step: Step | None = None,
        index: int | None = None,
    ) -> int: ...


class Entering:
    """Adds clients to channels.

    Args:
        add: adds a message.
        take: returns the id under which an interrupted step sent a message before (``Replay.take``).
        commits: commits the memberships.
    """

    def __init__(
        self, add: Add, take: Callable[[Step, Address, int | None, int], int | None], commits: GroupCommit
    ) -> None:
        self._add = add
        self._take = take
        self._commits = commits

    async def enter(
        self, client: LiveClient, channel: str, packs: Sequence[Message], entered: Callable[[], None]
    ) -> None:
        """Do what ``MessageQueue.enter`` says, with at least one pack."""
        to, step = (Address.client(client.id), packs[0].reply_to), current()
        indices = [step.index(to, each.data) if step else None for each in packs]
        # ``sum`` looks for all packs and not only for one: before a crash the step may have made fewer packs.
        if step is not None and sum(self._has_sent(step, to, index) for index in indices):
            entered()
            return
        try:
            await self._send(client, channel, packs, indices, entered)
        except (Unavailable, asyncio.CancelledError):
            for each, index in zip(packs, indices, strict=True):
                if step is not None and index is not None:
                    step.failed(to, each.data, index)
            raise

    def _has_sent(self, step: Step, to: tuple[Address, int | None], index: int | None) -> bool:
        return index is not None and self._take(step, *to, index) is not None

    async def _send(
        self,
        client: LiveClient,
        channel: str,
        packs: Sequence[Message],
        indices: Sequence[int | None],
        entered: Callable[[], None],
    ) -> None:
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        address, last = Address.client(client.id), 0
        for each, index in zip(packs, indices, strict=True):
            then = partial(_entered, entered, safe) if each is packs[-1] else do_nothing
            last = self._add(client.application, address, each, then, current(), index)
        change = MembershipChange(True, client.id, json.dumps(channel), last)
        self._commits.changes.entries.append(change)
        await safe


def _entered(entered: Callable[[], None], safe: asyncio.Future[None], error: RequestError | None) -> None:
    if error is None:
        entered()
    settle(safe, error)


def settle(safe: asyncio.Future[None], error: RequestError | None) -> None:
    """End the wait for a message: with a result, or with ``error``."""
    if safe.done():  # the waiting task was cancelled
        return
    if error is None:
        safe.set_result(None)
    else:
        safe.set_exception(error)


def do_nothing(error: RequestError | None) -> None:
    """Do nothing when one of several messages is safe: the publisher waits for all of them together."""
