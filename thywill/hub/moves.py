"""Ends clients and moves them between servers, for parts that are built before the leases."""

from __future__ import annotations

from collections.abc import Iterable

from thywill.core.lifecycle import Event
from thywill.errors import Gone
from thywill.hub.client import LiveClient
from thywill.hub.directory import Directory
from thywill.hub.leases import Leases, Timing


class Moves:
    """Ends and moves clients. ``leases`` is set when the hub is complete; nothing is called before that.

    Args:
        directory: finds clients.
        timing: the times of a client's life.
    """

    leases: Leases

    def __init__(self, directory: Directory, timing: Timing) -> None:
        self.timing = timing
        self._directory = directory

    def evict(self, client: LiveClient, reason: str) -> None:
        """End a client with a reason for its browser."""
        self.leases.evict(client, reason)

    def make_room(self, client: LiveClient) -> None:
        """End a client that has not polled, because others need its place."""
        self.leases.end(client, Event.EXPIRE, Gone("it has not polled, and others needed its place"))

    # For a queue that several servers share.

    def find(self, client_id: str) -> LiveClient | None:
        """Return the client with this id if it is here."""
        return self._directory.clients.get(client_id)

    def fingerprint(self) -> str:
        """Return a digest of the secret that signs tokens; it is equal on servers with the same secret."""
        return self._directory.fingerprint()

    def adopt(self, client: LiveClient, channels: Iterable[str]) -> None:
        """Add a client that has come from another server, and its memberships."""
        self.leases.adopt(client)
        for channel in channels:
            self._directory.subscribe(client, channel)

    def set_member(self, client: LiveClient, channel: str, *, enters: bool) -> None:
        """Apply a change of membership that the queue has saved."""
        if enters:
            self._directory.subscribe(client, channel)
        else:
            self._directory.unsubscribe(client, channel)

    def forget(self, client: LiveClient) -> None:
        """Forget a client that is with another server now."""
        self.leases.forget(client)

    def depart(self, client: LiveClient, reason: Gone) -> None:
        """Remove a client that the queue has ended."""
        self.leases.depart(client, reason)
