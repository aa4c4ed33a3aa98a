"""The limit on descriptors: how many are needed, and what is logged when they come to an end."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from thywill.process.descriptors import WARN_EVERY, DescriptorWatch, lowest_free, needed, shortage


def test_enough_descriptors_are_not_a_shortage() -> None:
    assert shortage(1000, needed(1000)) is None
    told = shortage(1000, needed(1000) - 1)
    assert told is not None
    assert told.startswith("max_clients = 1000 needs 1150 file descriptors, but only 1149 are allowed")


@pytest.fixture
def files() -> Iterator[list[int]]:
    """Descriptors that are closed after the test, which may open 200 in all."""
    opened: list[int] = []
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as closing:
        closing.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        closing.callback(lambda: [os.close(number) for number in opened])
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
        yield opened


def fill(files: list[int], below: int) -> None:
    while (number := lowest_free()) is not None and number < below:
        files.append(os.open(os.devnull, os.O_RDONLY))


def test_it_warns_before_the_end_and_at_the_end(files: list[int], caplog: pytest.LogCaptureFixture) -> None:
    now = 1000.0
    watch = DescriptorWatch(lambda: now)
    watch.check()
    assert caplog.messages == []
    fill(files, 180)
    watch.check()
    watch.check()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages[0].startswith("180 of 200 file descriptors are open; raise LimitNOFILE")
    now += WARN_EVERY
    fill(files, 200)
    watch.check()
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert caplog.messages[1].startswith("out of file descriptors, so connections are refused: all 200 are")
