"""The parts that need no database: the buffer, and the log lines about failures."""

from __future__ import annotations

from contextlib import suppress

from tests.support.records import Saved, saved
from thywill.database.pending import Pending
from thywill.database.write_failures import WriteFailures


def numbers(clients: list) -> list[int]:
    return [int(client.id.removeprefix("client-")) for client in clients]


def pending(*waiting: int, limit: int = 100) -> Pending:
    made = Pending(limit)
    for number in waiting:
        made.add(saved(number))
    return made


def fail_in_batch(buffer: Pending, count: int, meanwhile: Saved) -> None:
    with suppress(OSError), buffer.batch(count):
        buffer.add(meanwhile)
        raise OSError


def test_the_longest_waiting_are_taken_first():
    buffer = pending(1, 2, 3)
    with buffer.batch(2) as clients:
        assert numbers(clients) == [1, 2]
    with buffer.batch(2) as clients:
        assert numbers(clients) == [3]
    with buffer.batch(2) as clients:
        assert clients == []


def test_a_client_saved_again_keeps_its_place_and_shows_its_last_state():
    buffer = pending(1, 2)
    again = saved(1, state="gone")
    buffer.add(again)
    assert len(buffer) == 2
    with buffer.batch(1) as clients:
        assert clients == [again]


def test_a_client_is_found_until_its_batch_is_done():
    buffer = pending(1)
    assert buffer.find("client-1") is not None
    with buffer.batch(1):
        assert buffer.find("client-1") is not None
        assert len(buffer) == 1
    assert buffer.find("client-1") is None
    assert len(buffer) == 0


def test_a_batch_that_failed_waits_again_in_its_place():
    buffer = pending(1, 2, 3)
    newer = saved(2, state="gone")
    fail_in_batch(buffer, 2, newer)
    with buffer.batch(9) as clients:
        assert numbers(clients) == [1, 2, 3]
        assert clients[1] is newer


def test_beyond_the_limit_the_longest_waiting_are_dropped():
    buffer = pending(1, 2, 3, 4, limit=3)
    assert buffer.take_dropped() == 1
    assert buffer.take_dropped() == 0
    fail_in_batch(buffer, 2, saved(5))
    assert buffer.take_dropped() == 1
    with buffer.batch(9) as clients:
        assert numbers(clients) == [3, 4, 5]


def test_dropping_a_hundred_thousand_does_not_slow_down():
    buffer = pending(*range(200_000), limit=100_000)
    assert buffer.take_dropped() == 100_000


def test_a_failure_is_logged_once_until_it_ends(caplog):
    caplog.set_level("INFO", "thywill")
    now = 100.0
    failures = WriteFailures(clock=lambda: now)
    for _ in range(3):
        failures.failed("away", waiting=7, dropped=0)
    now = 112.5
    failures.succeeded(dropped=0)
    failures.succeeded(dropped=0)
    failures.failed("away", waiting=8, dropped=0)
    assert [record.getMessage() for record in caplog.records] == [
        "cannot write client records, 7 wait: away",
        "client records are written again after 12.5 s",
        "cannot write client records, 8 wait: away",
    ]


def test_dropped_records_are_counted_over_the_whole_failure(caplog):
    failures = WriteFailures(clock=lambda: 0.0)
    failures.failed("away", waiting=7, dropped=0)
    failures.failed("away", waiting=7, dropped=2)
    failures.failed("away", waiting=7, dropped=3)
    failures.succeeded(dropped=1)
    failures.succeeded(dropped=0)
    assert [record.getMessage() for record in caplog.records if "dropped" in record.message] == [
        "the buffer is full, the oldest updates of client records are dropped: away",
        "6 updates of client records dropped, since the buffer was full",
    ]


def test_tries_become_rarer_while_they_fail():
    failures = WriteFailures(clock=lambda: 0.0)
    delays = [failures.retry_delay(0.5)]
    for _ in range(5):
        failures.failed("away", waiting=1, dropped=0)
        delays.append(failures.retry_delay(0.5))
    failures.succeeded(dropped=0)
    assert delays == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert failures.retry_delay(0.5) == 0.5
    assert failures.retry_delay(60.0) == 60.0
