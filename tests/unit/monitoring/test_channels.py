"""The rates of channels on the status page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from thywill.hub.meter import Meter
from thywill.hub.tally import ChannelTally
from thywill.monitoring.channels import NAME_SHOWN, SECONDS, SHOWN, ChannelRates
from thywill.monitoring.watch import Watch


class World:
    """A meter with a clock that a test moves; every channel has three members."""

    def __init__(self) -> None:
        self.meter, self.now = Meter(), 0.0
        directory = SimpleNamespace(members=lambda application, name: [None] * 3)
        watch = SimpleNamespace(meter=self.meter, engine=SimpleNamespace(directory=directory))
        self.rates = ChannelRates(cast(Watch, watch), monotonic=lambda: self.now)

    def publish(self, channel: str, times: int, receivers: int = 3) -> None:
        assert self.meter.channels is not None
        for _ in range(times):
            self.meter.channels.add("chat", channel, receivers)

    def take(self, seconds: float = 1.0) -> list[dict[str, Any]]:
        self.now += seconds
        return self.rates.take()


def test_a_rate_is_the_mean_of_the_last_seconds() -> None:
    world = World()
    world.publish("lobby", 10)
    assert world.take() == [{"application": "chat", "channel": "lobby", "clients": 3, "rates": [10.0, 30.0]}]
    assert world.take()[0]["rates"] == [5.0, 15.0]
    for _ in range(SECONDS - 2):
        assert world.take()
    assert world.take() == []


def test_the_busiest_come_first_and_only_some_are_shown() -> None:
    world = World()
    for number in range(SHOWN + 5):
        world.publish(f"room {number}", number + 1)
    assert [row["channel"] for row in world.take()] == [f"room {SHOWN + 4 - place}" for place in range(SHOWN)]


def test_a_long_name_is_cut() -> None:
    world = World()
    world.publish("x" * 200, 1)
    assert world.take()[0]["channel"] == "x" * NAME_SHOWN


def test_nothing_is_counted_while_nobody_looks() -> None:
    world = World()
    world.rates.stop()
    assert world.meter.channels is None


def test_only_so_many_channels_are_counted() -> None:
    tally = ChannelTally(limit=2)
    for channel in ("a", "b", "c", "a"):
        tally.add("chat", channel, 5)
    assert tally.take() == {("chat", "a"): (2, 10), ("chat", "b"): (1, 5)}
    assert tally.take() == {}
