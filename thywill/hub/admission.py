"""Admission: limits how many clients one address has, so that no address takes the places of all others.

Anybody who reaches the server can become a client with one request. So clients are counted by address (IPv6
by its network of 64 bits, see ``thywill.core.address``), with three limits:

    connects     new clients a second
    clients      clients at the same time
    unpolled     clients that have not polled yet; a page polls within a moment, a flood never does

When an address, or the whole server, has no room, the oldest client that has not polled for
``unpolled_grace`` seconds is ended. So a flood keeps a place only for that time, and a page on a very slow
network keeps its place as long as nobody else needs it. For example, with a limit of 2 unpolled clients and a
grace of 10 s, all from one address:

     0 s   a connects     a
     1 s   b connects     a b
     2 s   c connects     429: the 10 s of a have not passed
    10 s   c connects     b c, and a is ended

A refusal costs some microseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from thywill.core.address import share_of
from thywill.core.bucket import TokenBucket
from thywill.errors import TooMany
from thywill.hub.client import LiveClient
from thywill.hub.rates import ClientLimits

REMEMBERED_IDLE = 10_000
"""How many addresses without a client are remembered: otherwise leaving would give an address a new burst."""
FULL_RETRY = 10.0
"""The ``retry`` of a full server, in seconds."""


class Share:
    """The clients of one address.

    Args:
        name: the address or network.
        connects: limits its new clients.
    """

    __slots__ = ("clients", "connects", "name", "unpolled")

    def __init__(self, name: str, connects: TokenBucket) -> None:
        self.name = name
        self.connects = connects
        self.clients = 0
        # In order of arrival; the value is the time of arrival by the monotonic clock.
        self.unpolled: dict[LiveClient, float] = {}


class Admission:
    """Decides who may become a client.

    Args:
        limits: how much one address may have.
        clients: how many clients the server may have.
        limited: counts refusals by the name of the setting.
        end_unpolled: ends a client that has not polled.
        monotonic: the clock.
    """

    def __init__(
        self,
        limits: ClientLimits,
        clients: int,
        limited: Counter[str],
        end_unpolled: Callable[[LiveClient], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._limits = limits
        self._most = clients
        self._limited = limited
        self._end_unpolled = end_unpolled
        self._monotonic = monotonic
        self._clients = 0
        self._unpolled: dict[LiveClient, float] = {}
        self._shares: dict[str, Share] = {}
        self._share_of: dict[LiveClient, Share] = {}
        # Cached: a refused browser tries again and again, and parsing an IPv6 address takes microseconds.
        self._name_of = lru_cache(maxsize=REMEMBERED_IDLE)(share_of)
        self._idle: dict[str, None] = {}

    def check(self, address: str) -> None:
        """Check that there is room for another client of ``address``; it is empty if it is unknown.

        Raises:
            TooMany: there is no room, or the address creates clients too fast.
        """
        now = self._monotonic()
        if self._clients >= self._most and not self._make_room(self._unpolled, now):
            raise self._refusal("max_clients", "the server has as many clients as it may have", FULL_RETRY)
        if address:
            self._check_share(self._share(self._name_of(address)), now)

    def _check_share(self, share: Share, now: float) -> None:
        limits = self._limits
        if len(share.unpolled) >= limits.unpolled_per_address and not self._make_room(share.unpolled, now):
            reason = "too many clients of this address have not polled yet"
            raise self._refusal("unpolled_per_address", reason, limits.unpolled_grace)
        if share.clients >= limits.clients_per_address and not self._make_room(share.unpolled, now):
            reason = "this address has as many clients as it may have"
            raise self._refusal("clients_per_address", reason, FULL_RETRY)
        if wait := share.connects.take(now):
            raise self._refusal("connects", "new clients of this address come too fast", wait)

    def _make_room(self, unpolled: dict[LiveClient, float], now: float) -> bool:
        """End the oldest client that has not polled if its grace has passed; return whether one was ended."""
        client = next(iter(unpolled), None)
        if client is None or now - unpolled[client] < self._limits.unpolled_grace:
            return False
        self._end_unpolled(client)
        return True

    def _refusal(self, setting: str, reason: str, retry: float) -> TooMany:
        self._limited[setting] += 1
        return TooMany(reason, retry=retry)

    def add(self, client: LiveClient, address: str) -> None:
        """Count a new client of ``address``; it has not polled yet."""
        now = self._monotonic()
        self._clients += 1
        self._unpolled[client] = now
        if address:
            name = self._name_of(address)
            share = self._share_of[client] = self._share(name)
            self._idle.pop(name, None)
            share.clients += 1
            share.unpolled[client] = now

    def polled(self, client: LiveClient) -> None:
        """Count ``client`` as one that has polled: its first poll or message has arrived."""
        self._unpolled.pop(client, None)
        if share := self._share_of.get(client):
            share.unpolled.pop(client, None)

    def remove(self, client: LiveClient) -> None:
        """Stop counting a client that has ended."""
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
            self._keep_idle(name)
        return share

    def _keep_idle(self, name: str) -> None:
        self._idle[name] = None
        if len(self._idle) > REMEMBERED_IDLE:
            del self._shares[_pop_oldest(self._idle)]

    def _forget(self, share: Share) -> None:
        if share.connects.is_full(self._monotonic()):
            del self._shares[share.name]
        else:
            self._keep_idle(share.name)


def _pop_oldest(names: dict[str, None]) -> str:
    oldest = next(iter(names))
    del names[oldest]
    return oldest
