"""Who may become a client: no address takes the place of all others.

Everybody who can reach the server can become a client, with one request and no proof of anything. So clients
are counted by address (IPv6 by its network of 64 bits, see ``thywill.core.address``):

    connects     new clients a second
    clients      clients at once
    unpolled     clients that have not polled yet: a page needs a moment for that, a flood never does it

Where an address, or the whole server, has no room left, the oldest client that has not polled for
``unpolled_grace`` seconds makes room. So a flood holds its places for that long only, and a page that comes
over a very slow network is never given up without need. To refuse costs some microseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from thywill.core.address import share_of
from thywill.core.bucket import TokenBucket
from thywill.errors import TooMany
from thywill.hub.client import LiveClient
from thywill.hub.rates import ClientLimits

IDLE = 10_000
"""How many addresses without a client are remembered, so that none gets a new burst by coming back."""
FULL_RETRY = 10.0
"""Seconds after which to come back to a full server."""


class Share:
    """What one address has.

    Args:
        name: the address, or the network.
        connects: how many clients it may still begin.
    """

    __slots__ = ("clients", "connects", "name", "unpolled")

    def __init__(self, name: str, connects: TokenBucket) -> None:
        self.name = name
        self.connects = connects
        self.clients = 0
        # In the order in which they came; the value is when that was, by the monotonic clock.
        self.unpolled: dict[LiveClient, float] = {}


class Admission:
    """Decides who may become a client.

    Args:
        limits: how much one address may have.
        clients: how many clients there may be.
        limited: counts what is refused, by the name of the setting.
        give_up: ends a client that has not polled, to make room.
        monotonic: the clock.
    """

    def __init__(
        self,
        limits: ClientLimits,
        clients: int,
        limited: Counter[str],
        give_up: Callable[[LiveClient], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._limits = limits
        self._most = clients
        self._most_of_one = min(limits.clients_per_address, max(clients // 2, 1))
        self._most_unpolled = min(limits.unpolled_per_address, max(clients // 4, 1))
        self._limited = limited
        self._give_up = give_up
        self._monotonic = monotonic
        self._clients = 0
        self._unpolled: dict[LiveClient, float] = {}
        self._shares: dict[str, Share] = {}
        self._share_of: dict[LiveClient, Share] = {}
        self._idle: dict[str, None] = {}

    def check(self, address: str) -> None:
        """Make sure that there is room for another client of ``address``; an empty text is nobody's address.

        Raises:
            TooMany: there is none, or its clients come too fast.
        """
        now = self._monotonic()
        if self._clients >= self._most and not self._make_room(self._unpolled, now):
            raise self._refusal("max_clients", "the server has as many clients as it may have", FULL_RETRY)
        if address:
            self._check_share(self._share(share_of(address)), now)

    def _check_share(self, share: Share, now: float) -> None:
        limits = self._limits
        if len(share.unpolled) >= self._most_unpolled and not self._make_room(share.unpolled, now):
            reason = "too many clients of this address have not polled yet"
            raise self._refusal("unpolled_per_address", reason, limits.unpolled_grace)
        if share.clients >= self._most_of_one and not self._make_room(share.unpolled, now):
            reason = "this address has as many clients as it may have"
            raise self._refusal("clients_per_address", reason, FULL_RETRY)
        if wait := share.connects.take(now):
            raise self._refusal("connects", "new clients of this address come too fast", wait)

    def _make_room(self, unpolled: dict[LiveClient, float], now: float) -> bool:
        """End the oldest client that has not polled, if its time is over; return whether there was one."""
        client = next(iter(unpolled), None)
        if client is None or now - unpolled[client] < self._limits.unpolled_grace:
            return False
        self._give_up(client)
        return True

    def _refusal(self, setting: str, reason: str, retry: float) -> TooMany:
        self._limited[setting] += 1
        return TooMany(reason, retry=retry)

    def add(self, client: LiveClient, address: str) -> None:
        """``client`` is alive, and comes from ``address``; it has not polled yet."""
        now = self._monotonic()
        self._clients += 1
        self._unpolled[client] = now
        if address:
            name = share_of(address)
            share = self._share_of[client] = self._share(name)
            self._idle.pop(name, None)
            share.clients += 1
            share.unpolled[client] = now

    def polled(self, client: LiveClient) -> None:
        """``client`` has polled, or sent something, for the first time."""
        self._unpolled.pop(client, None)
        if share := self._share_of.get(client):
            share.unpolled.pop(client, None)

    def remove(self, client: LiveClient) -> None:
        """``client`` is gone."""
        self.polled(client)
        self._clients -= 1
        if share := self._share_of.pop(client, None):
            self._leave(share)

    def _leave(self, share: Share) -> None:
        share.clients -= 1
        if not share.clients:
            self._forget(share)

    def _share(self, name: str) -> Share:
        share = self._shares.get(name)
        if share is None:
            bucket = TokenBucket(self._limits.connects, self._limits.connects_burst)
            share = self._shares[name] = Share(name, bucket)
            self._rest(name)
        return share

    def _rest(self, name: str) -> None:
        self._idle[name] = None
        if len(self._idle) > IDLE:
            del self._shares[_pop_oldest(self._idle)]

    def _forget(self, share: Share) -> None:
        if share.connects.is_full(self._monotonic()):
            del self._shares[share.name]
        else:
            self._rest(share.name)


def _pop_oldest(names: dict[str, None]) -> str:
    oldest = next(iter(names))
    del names[oldest]
    return oldest
