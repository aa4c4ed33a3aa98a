"""The parts of the hub, in one tuple."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from thywill.hub.admission import Admission
from thywill.hub.directory import Directory
from thywill.hub.drain import Drain
from thywill.hub.leases import Leases, Timing
from thywill.hub.meter import Meter
from thywill.hub.ports import Listener, MessageQueue
from thywill.hub.rates import ClientRates


class Parts(NamedTuple):
    """The objects that the hub uses.

    Args:
        timing: the times of a client's life.
        directory: finds clients.
        admission: decides who may become a client.
        leases: the states and deadlines of clients.
        queue: saves messages.
        listener: is told of clients and their messages.
        drain: knows whether the server is about to stop.
        meter: counts events.
        new_rates: makes the limits of one client.
        monotonic: the clock of the limits.
    """

    timing: Timing
    directory: Directory
    admission: Admission
    leases: Leases
    queue: MessageQueue
    listener: Listener
    drain: Drain
    meter: Meter
    new_rates: Callable[[], ClientRates]
    monotonic: Callable[[], float]
