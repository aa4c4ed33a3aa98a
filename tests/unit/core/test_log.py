"""The log's bounds: each message counts once, for as long as a queue holds it."""

from __future__ import annotations

import sys

from thywill.core.log import Entry, LogBounds, MessageLog

SIZE = len(b'[1,"x"]')


def log_of(entries: list[Entry], messages: int = 1000, size: int = 10**6) -> MessageLog:
    log = MessageLog(LogBounds(messages, size))
    for entry in entries:
        log.hold(entry)
    return log


def entries_of(*ids: int) -> list[Entry]:
    return [Entry(each, b'"x"') for each in ids]


def test_a_message_counts_as_long_as_it_is_held() -> None:
    entries = entries_of(1, 2, 3)
    queues = [entries[:2], entries[1:]]
    log = log_of(entries)
    assert (len(log), log.size) == (3, 3 * SIZE)
    entries.clear()
    queues[0].clear()
    assert (len(log), log.size) == (2, 2 * SIZE)
    queues.clear()
    assert (len(log), log.size) == (0, 0)


def test_within_the_bounds_nothing_is_to_be_dropped() -> None:
    entries = entries_of(1, 2, 3)
    assert log_of(entries, messages=3, size=3 * SIZE).excess() is None


def test_beyond_the_bounds_a_tenth_is_to_be_dropped() -> None:
    entries = entries_of(*range(101, 202))
    log = log_of(entries, messages=100)
    assert log.excess() == (111, 11)
    del entries[:11]
    assert (len(log), log.excess()) == (90, None)


def test_its_bytes_count_too() -> None:
    entries = entries_of(1, 2, 3, 4)
    log = log_of(entries, size=3 * SIZE)
    assert log.excess() == (2, 2)
    del entries[:2]
    assert log.excess() is None


def test_a_message_that_no_outbox_holds_is_not_to_be_dropped() -> None:
    entries = entries_of(*range(1, 102))
    log = log_of(entries, messages=100)
    del entries[5:50]
    assert log.excess() is None


def test_while_messages_are_being_dropped_no_more_are_asked_for_until_the_log_grew_by_a_tenth() -> None:
    entries = entries_of(*range(1, 102))
    log = log_of(entries, messages=100)
    assert log.excess() is not None
    found = []
    for message_id in range(102, 112):
        entries += entries_of(message_id)
        log.hold(entries[-1])
        found.append(log.excess())
    assert found[:-1] == [None] * 9
    assert found[-1] == (21, 21)
    del entries[:21]
    assert log.excess() is None
    entries += entries_of(*range(112, 123))
    for entry in entries[-11:]:
        log.hold(entry)
    assert log.excess() == (32, 11)


def test_a_fair_share_is_of_what_there_is_too_much_of() -> None:
    entries = entries_of(*range(1, 102))
    log = log_of(entries, messages=100)
    assert log.excess() is not None
    assert log.fair_share(9) == LogBounds(10, sys.maxsize)
    entries = entries_of(1, 2, 3, 4)
    log = log_of(entries, size=3 * SIZE)
    assert log.excess() is not None
    assert log.fair_share(2) == LogBounds(sys.maxsize, int(3 * SIZE * 0.45))


def test_nobody_is_spared_when_the_log_has_grown_all_the_same() -> None:
    entries = entries_of(*range(1, 102))
    log = log_of(entries, messages=100)
    assert log.excess() is not None
    entries += entries_of(*range(102, 112))
    for entry in entries[-10:]:
        log.hold(entry)
    assert log.excess() is not None
    assert log.fair_share(9) == LogBounds(0, 0)
