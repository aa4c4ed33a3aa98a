"""Builds the parts of the hub, which need one another.

    directory, admission, drain ─▶ delivery ─▶ queue ─▶ actions ─▶ applications ─▶ leases ─▶ hub

The first parts end clients, for which they need the leases, which are built late. So the first parts get a
``Moves`` object, which gets the leases when the hub is complete; nothing is called before that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from thywill.core.signing import Signer
from thywill.hub.actions import Actions
from thywill.hub.admission import Admission
from thywill.hub.delivery import Delivery
from thywill.hub.directory import Directory
from thywill.hub.drain import Drain
from thywill.hub.hub import Hub
from thywill.hub.leases import Leases, Timing
from thywill.hub.meter import Meter
from thywill.hub.moves import Moves
from thywill.hub.parts import Parts
from thywill.hub.people import People
from thywill.hub.ports import Listener, MessageQueue
from thywill.hub.rates import ClientLimits, ClientRates

Q = TypeVar("Q", bound=MessageQueue)
L = TypeVar("L", bound=Listener)


@dataclass(frozen=True, slots=True)
class Room(Generic[Q, L]):
    """A hub with its queue and its applications.

    Args:
        hub: what the requests of browsers call.
        actions: what applications call.
        directory: the clients that are alive in this process.
        leases: the clients' states and deadlines; ``leases.tick`` has to be called at every tick.
        drain: sends browsers away before a stop.
        queue, applications: the results of the two functions that ``build`` gets.
    """

    hub: Hub
    actions: Actions
    directory: Directory
    leases: Leases
    drain: Drain
    queue: Q
    applications: L


def build(
    make_queue: Callable[[Delivery], Q],
    make_applications: Callable[[Actions, Q], L],
    signer: Signer,
    timing: Timing,
    *,
    call_soon: Callable[[Callable[[], None]], object],
    make_hub: Callable[[Parts], Hub] = Hub,
    limits: ClientLimits | None = None,
    meter: Meter | None = None,
    people: People | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
) -> Room[Q, L]:
    """Build a hub.

    Args:
        make_queue: makes the queue. It may use the ``Delivery`` only after ``build`` has returned.
        make_applications: makes the applications; the same holds for the ``Actions``.
        signer, timing, limits, meter: as in ``Directory``, ``Leases``, ``Admission`` and ``Parts``.
        people: the data that applications keep for people.
        call_soon: runs a function in the next turn of the loop.
        make_hub: makes the hub, which may differ for a queue that several servers share.
        monotonic, wall: the two clocks. Deadlines use the first; records and tokens the second.
    """
    meter, limits = meter or Meter(monotonic=monotonic), limits or ClientLimits()
    directory = Directory(signer, timing.token, wall)
    moves = Moves(directory, timing)
    admission = Admission(limits, timing.clients, meter.limited, moves.make_room, monotonic)
    drain = Drain(directory)
    new_rates = partial(ClientRates, limits, meter.limited)
    queue = make_queue(Delivery(directory, call_soon, moves, meter))
    totals = partial(meter.totals, directory)
    people = People() if people is None else people
    actions = Actions(directory, queue, people, moves.evict, new_rates, monotonic, totals)
    applications = make_applications(actions, queue)
    listener = queue.listener(applications)
    leases = moves.leases = Leases(timing, directory, admission, queue, listener, call_soon, monotonic, wall)
    parts = Parts(timing, directory, admission, leases, queue, listener, drain, meter, new_rates, monotonic)
    return Room(make_hub(parts), actions, directory, leases, drain, queue, applications)
