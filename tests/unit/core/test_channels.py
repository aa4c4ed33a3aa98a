"""The table of channels, compared with a model: a list of pairs."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.steady import STEADY
from thywill.core.channels import Channels, Name

NAMES: list[Name] = [("chat", "lobby"), ("chat", "room"), ("echo", "lobby"), ("", "")]
LOBBY, ROOM = NAMES[:2]
some_member, some_name = st.integers(1, 4), st.sampled_from(NAMES)


class Table(RuleBasedStateMachine):
    """Members come and go; the table agrees with the model in both directions, in the order of arrival."""

    def __init__(self) -> None:
        super().__init__()
        self.channels: Channels[int] = Channels()
        self.pairs: list[tuple[int, Name]] = []

    @rule(member=some_member, name=some_name)
    def add(self, member: int, name: Name) -> None:
        self.channels.add(member, name)
        if (member, name) not in self.pairs:
            self.pairs.append((member, name))

    @rule(member=some_member, name=some_name)
    def remove(self, member: int, name: Name) -> None:
        self.channels.remove(member, name)
        self.pairs = [pair for pair in self.pairs if pair != (member, name)]

    @rule(member=some_member)
    def forget(self, member: int) -> None:
        self.channels.forget(member)
        self.pairs = [pair for pair in self.pairs if pair[0] != member]

    @invariant()
    def members_are_those_of_the_model(self) -> None:
        for name in NAMES:
            assert list(self.channels.members(name)) == [member for member, n in self.pairs if n == name]

    @invariant()
    def names_are_those_of_the_model(self) -> None:
        for member in range(1, 5):
            assert list(self.channels.names(member)) == [name for m, name in self.pairs if m == member]
            for name in NAMES:
                assert self.channels.has(member, name) == ((member, name) in self.pairs)

    @invariant()
    def empty_channels_take_no_memory(self) -> None:
        assert len(self.channels) == len({name for _, name in self.pairs})
        assert set(self.channels._of_member) == {member for member, _ in self.pairs}


TestTable = Table.TestCase
TestTable.settings = STEADY


def test_a_member_that_is_added_twice_is_in_once_and_keeps_its_place() -> None:
    channels: Channels[str] = Channels()
    for member in ("a", "b", "a"):
        channels.add(member, LOBBY)
    assert list(channels.members(LOBBY)) == ["a", "b"]
    assert list(channels.names("a")) == [LOBBY]


def test_the_only_channel_of_a_member_takes_one_reference() -> None:
    channels: Channels[int] = Channels()
    for member in range(2):
        channels.add(member, ("chat", "".join(["lob", "by"])))
    names = [name for member in range(2) for name in channels.names(member)]
    assert names[0] is names[1]
    assert channels._of_member[0] is channels._of_member[1]


def test_leaving_one_channel_does_not_leave_the_other() -> None:
    channels: Channels[str] = Channels()
    channels.add("a", LOBBY)
    channels.add("a", ROOM)
    channels.remove("a", LOBBY)
    assert list(channels.names("a")) == [ROOM]
    assert list(channels.members(ROOM)) == ["a"]
    assert list(channels.members(LOBBY)) == []


def test_leaving_a_channel_without_being_in_it_changes_nothing() -> None:
    channels: Channels[str] = Channels()
    channels.add("a", LOBBY)
    channels.remove("b", LOBBY)
    channels.remove("a", ROOM)
    channels.forget("b")
    assert list(channels.members(LOBBY)) == ["a"]
    assert len(channels) == 1
