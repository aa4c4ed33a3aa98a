"""What was just looked up is remembered for a moment."""

from __future__ import annotations

from thywill.client_interface.moment import SECONDS, Moment


class Looks:
    def __init__(self) -> None:
        self.time, self.count = 0.0, 0

    def look(self) -> int:
        self.count += 1
        return self.count


def test_a_value_is_made_once_in_a_moment() -> None:
    looks = Looks()
    moment = Moment(clock=lambda: looks.time)
    assert [moment.get("a", looks.look), moment.get("a", looks.look), moment.get("b", looks.look)] == [
        1,
        1,
        2,
    ]
    looks.time = SECONDS * 0.9
    assert moment.get("a", looks.look) == 1
    looks.time = SECONDS
    assert [moment.get("a", looks.look), moment.get("b", looks.look)] == [3, 4]


def test_nothing_is_also_a_value() -> None:
    moment = Moment(clock=lambda: 0.0)
    assert moment.get("a", lambda: None) is None
    assert moment.get("a", lambda: "other") is None


def test_there_are_never_many() -> None:
    moment = Moment(clock=lambda: 0.0, most=10)
    for number in range(1000):
        moment.get(number, lambda: 0)
        assert len(moment._values) <= 10
