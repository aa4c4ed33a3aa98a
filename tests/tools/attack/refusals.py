"""What a refusal costs, in microseconds of processor time: ``python3 -m tests.tools.attack.refusals``.

Only the decision is measured, with the error that it raises; reading the request and writing the answer cost
the same for every request.
"""

from __future__ import annotations

import contextlib
import sys
import time
import timeit
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

from thywill.config import LimitsSettings
from thywill.core.address import share_of
from thywill.errors import RequestError
from thywill.http.held import AddressLimit
from thywill.hub.admission import Admission
from thywill.hub.rates import ClientLimits, ClientRates
from thywill.push.sockjs.sessions import ADDRESSES
from thywill.push.sockjs.shares import SessionShares

KINDS = {"IPv4": "203.0.113.9", "IPv6": "2001:db8:1:2:3:4:5:6"}
TIMES, REPEATS = 20_000, 7

Refusal = Callable[[], object]


def admission(clients: int = 1000, **limits: float) -> Admission:
    """Return an admission of a server for so many clients."""
    return Admission(ClientLimits(**limits), clients, Counter(), lambda client: None, time.monotonic)  # type: ignore[arg-type]


def refusals(address: str) -> Iterator[tuple[str, Refusal]]:
    """Yield the limits by name, each with a call that it refuses."""
    client = cast(Any, object())
    fast, unpolled, full, all_full = (
        admission(connects=0.001, connects_burst=1),
        admission(unpolled_per_address=1, unpolled_grace=1e6),
        admission(clients_per_address=1, unpolled_grace=1e6),
        admission(clients=1, unpolled_grace=1e6),
    )
    fast.check(address)
    for each in (unpolled, full, all_full):
        each.add(client, address)
    share_of_session = lru_cache(maxsize=ADDRESSES)(share_of)
    shares = SessionShares(LimitsSettings(sockjs_anonymous_per_address=1), Counter())
    shares.begin(share_of(address))
    limit = AddressLimit(0, Counter())
    rates = ClientRates(ClientLimits(sends=0.001, sends_burst=1), Counter())
    rates.messages.take(time.monotonic())
    yield "connects", lambda: fast.check(address)
    yield "unpolled_per_address", lambda: unpolled.check(address)
    yield "clients_per_address", lambda: full.check(address)
    yield "max_clients", lambda: all_full.check(address)
    yield "sockjs_anonymous_per_address", lambda: shares.begin(share_of_session(address))
    yield "connections_per_address", lambda: limit.acquire(share_of(address))
    yield "sends", lambda: rates.refusal("sends", rates.messages.take(time.monotonic()))


def cost(refuse: Refusal, times: int = TIMES) -> float:
    """Return the microseconds of one refusal."""

    def once() -> None:
        with contextlib.suppress(RequestError):
            refuse()

    found = timeit.repeat(once, number=times, repeat=REPEATS, timer=time.process_time)
    return min(found) / times * 1e6


def main() -> int:
    for kind, address in KINDS.items():
        for name, refuse in refusals(address):
            print(f"{kind}  {name:30} {cost(refuse):5.1f} us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
