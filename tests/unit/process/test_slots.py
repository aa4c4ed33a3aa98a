"""What a parent starts and stops, and when, with literal times."""

from __future__ import annotations

import pytest

from thywill.process.slots import Action, Order, Phase, Slots

START, DRAIN, KILL = Action.START, Action.DRAIN, Action.KILL
PATIENCE = 40.0


class Parent:
    """Carries out orders as the real parent does, with process numbers 101, 102, …"""

    def __init__(self, count: int) -> None:
        self.slots = Slots(count, PATIENCE)
        self.last = 100
        self.slots.begin(0.0)

    def at(self, now: float) -> list[Order]:
        """Carry out what is due and return it."""
        orders = self.slots.orders(now)
        for action, number in orders:
            if action is START:
                self.last += 1
                self.slots.started(number, self.last, now)
        return orders

    def said(self) -> list[str]:
        """Return the lines since the last call."""
        texts = [line.text for line in self.slots.lines]
        self.slots.lines.clear()
        return texts

    def ready_slots(self) -> list[int]:
        return sorted(each.slot for each in self.slots.servers.values() if each.phase is Phase.READY)


def running(count: int) -> Parent:
    """Return a parent whose servers 101, 102, … are ready since 1.0."""
    parent = Parent(count)
    parent.at(0.0)
    parent.slots.ready(101, 1.0)
    parent.at(1.0)
    for process in range(102, 101 + count):
        parent.slots.ready(process, 1.0)
    assert parent.slots.all_ready
    return parent


def test_the_others_wait_for_the_first() -> None:
    parent = Parent(3)
    assert parent.at(0.0) == [(START, 1)]
    assert parent.at(0.4) == []
    parent.slots.ready(101, 0.5)
    assert parent.at(0.5) == [(START, 2), (START, 3)]
    parent.slots.ready(103, 0.9)
    assert not parent.slots.all_ready
    parent.slots.ready(102, 1.0)
    assert parent.slots.all_ready


def test_a_first_server_with_wrong_settings_ends_everything() -> None:
    parent = Parent(3)
    parent.at(0.0)
    parent.slots.ended(101, 2, 0.4)
    assert (parent.at(0.4), parent.slots.over, parent.slots.worst) == ([], True, 2)


def test_a_first_server_that_crashes_is_started_again() -> None:
    parent = Parent(2)
    parent.at(0.0)
    parent.slots.ended(101, -11, 0.4)
    assert parent.at(0.4) == [(START, 2)]
    assert parent.slots.deadline() == 1.4
    assert parent.at(1.4) == [(START, 1)]


def test_the_delay_doubles_up_to_half_a_minute() -> None:
    parent = running(2)
    now, delays = 10.0, []
    for _ in range(7):
        process = parent.last if parent.last > 102 else 102
        parent.slots.ended(process, 1, now)
        due = parent.slots.deadline()
        assert due is not None
        delays.append(due - now)
        assert parent.at(due - 0.01) == []
        assert parent.at(due) == [(START, 2)]
        now = due + 0.5
    assert delays == [1, 2, 4, 8, 16, 30, 30]
    assert parent.said()[:2] == [
        "server 2 of 2 (102) ended with status 1; starting it again in 1 s",
        "server 2 of 2 (103) ended with status 1; starting it again in 2 s",
    ]


@pytest.mark.parametrize(("good", "delay"), [(59.9, 2.0), (60.0, 1.0)])
def test_a_good_minute_forgets_earlier_ends(good: float, delay: float) -> None:
    parent = running(2)
    parent.slots.ended(102, -9, 10.0)
    parent.at(11.0)
    parent.slots.ready(103, 12.0)
    parent.slots.ended(103, -9, 12.0 + good)
    assert parent.slots.deadline() == 12.0 + good + delay
    assert parent.said()[0] == "server 2 of 2 (102) was killed by signal 9; starting it again in 1 s"


def test_a_restart_replaces_one_server_at_a_time() -> None:
    parent = running(3)
    parent.slots.restart(3)
    for slot, new in ((1, 104), (2, 105), (3, 106)):
        old = 100 + slot
        assert parent.at(20.0) == [(START, slot)]
        assert parent.at(20.5) == []
        assert parent.ready_slots() == [1, 2, 3]
        parent.slots.ready(new, 21.0)
        assert parent.at(21.0) == [(DRAIN, old)]
        assert parent.ready_slots() == [1, 2, 3]
        assert parent.at(21.5) == []
        parent.slots.ended(old, 0, 22.0)
    assert parent.slots.rolling
    assert parent.at(22.0) == []
    assert not parent.slots.rolling
    assert sorted(parent.slots.servers) == [104, 105, 106]
    assert parent.said() == ["restarting 3 servers, one at a time", "restarted: 3 servers are ready"]


def test_a_replacement_that_fails_stops_the_restart() -> None:
    parent = running(3)
    parent.slots.restart(3)
    parent.at(20.0)
    parent.slots.ended(104, 2, 20.5)
    assert (parent.at(20.5), parent.slots.rolling) == ([], False)
    assert parent.slots.all_ready
    assert parent.said()[1:] == [
        "the restart stops, and the servers that run go on: the new server 1 of 3 (104) ended with status 2 "
        "before it was ready",
        "server 1 of 3 (104) ended with status 2; another one is in its slot",
    ]


def test_a_replacement_that_is_never_ready_is_killed() -> None:
    parent = running(2)
    parent.slots.restart(2)
    parent.at(20.0)
    assert parent.slots.deadline() == 80.0
    assert parent.at(79.9) == []
    assert parent.at(80.0) == [(KILL, 103)]
    parent.slots.ended(103, -9, 80.1)
    assert (parent.at(80.1), parent.slots.rolling, parent.slots.all_ready) == ([], False, True)


def test_a_server_that_ends_while_it_is_replaced() -> None:
    parent = running(2)
    parent.slots.restart(2)
    parent.at(20.0)
    parent.slots.ended(101, -9, 20.2)
    assert parent.at(20.2) == []
    parent.slots.ready(103, 20.5)
    assert parent.at(20.5) == [(START, 2)]


def test_a_server_that_ends_and_its_replacement_too() -> None:
    parent = running(2)
    parent.slots.restart(2)
    parent.at(20.0)
    parent.slots.ended(101, -9, 20.2)
    parent.slots.ended(103, 1, 20.4)
    assert not parent.slots.rolling
    assert parent.at(21.4) == [(START, 1)]


def test_a_replacement_that_ends_after_the_old_one_was_drained() -> None:
    parent = running(2)
    parent.slots.restart(2)
    parent.at(20.0)
    parent.slots.ready(103, 20.5)
    parent.at(20.5)
    parent.slots.ended(103, -9, 21.0)
    parent.slots.ended(101, 0, 21.2)
    assert parent.at(21.2) == [(START, 2)]
    assert parent.at(22.0) == [(START, 1)]


def test_another_restart_begins_anew() -> None:
    parent = running(2)
    parent.slots.restart(2)
    parent.at(20.0)
    parent.slots.restart(2)
    assert parent.at(20.1) == []
    parent.slots.ready(103, 20.5)
    assert parent.at(20.5) == [(DRAIN, 101)]
    parent.slots.ended(101, 0, 20.6)
    assert parent.at(20.6) == [(START, 1)]


def test_more_and_fewer_servers_after_a_restart() -> None:
    parent = running(2)
    parent.slots.restart(3)
    for new, old in ((103, 101), (104, 102)):
        parent.at(20.0)
        parent.slots.ready(new, 20.0)
        parent.at(20.0)
        parent.slots.ended(old, 0, 20.0)
    assert parent.at(20.0) == [(START, 3)]
    parent.slots.ready(105, 20.0)
    parent.at(20.0)
    assert (parent.slots.count, parent.ready_slots(), parent.slots.rolling) == (3, [1, 2, 3], False)

    parent.slots.restart(2)
    for new, old in ((106, 103), (107, 104)):
        parent.at(30.0)
        parent.slots.ready(new, 30.0)
        parent.at(30.0)
        parent.slots.ended(old, 0, 30.0)
    assert parent.at(30.0) == [(DRAIN, 105)]
    parent.slots.ended(105, 0, 31.0)
    assert (parent.at(31.0), parent.slots.rolling, parent.ready_slots()) == ([], False, [1, 2])


def test_a_server_that_cannot_be_started() -> None:
    parent = running(2)
    parent.slots.ended(102, 1, 10.0)
    assert parent.slots.orders(11.0) == [(START, 2)]
    parent.slots.not_started(2, "Resource temporarily unavailable", 11.0)
    assert parent.slots.deadline() == 13.0
    parent.slots.restart(2)
    assert parent.slots.orders(12.0) == [(START, 1)]
    parent.slots.not_started(1, "Resource temporarily unavailable", 12.0)
    assert (parent.slots.rolling, parent.ready_slots()) == (False, [1])


def test_stop_drains_all_at_once_and_starts_nothing() -> None:
    parent = running(3)
    parent.slots.ended(103, 1, 10.0)
    parent.slots.restart(3)
    parent.at(10.0)
    parent.slots.stop(10.5)
    assert parent.at(10.5) == [(DRAIN, 101), (DRAIN, 102), (DRAIN, 104)]
    parent.slots.ended(102, 0, 11.0)
    parent.slots.ended(104, -15, 11.0)
    assert (parent.at(12.0), parent.slots.over) == ([], False)
    assert parent.at(10.5 + PATIENCE) == [(KILL, 101)]
    parent.slots.ended(101, -9, 51.0)
    assert (parent.slots.over, parent.slots.worst) == (True, 143)
