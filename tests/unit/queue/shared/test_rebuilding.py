"""What a client that comes from another server gets, by its row and by the log."""

from __future__ import annotations

from typing import Any

from thywill.core.log import Entry, LogBounds, MessageLog
from thywill.core.message import Address, Message
from thywill.core.outbox import Bounds
from thywill.queue.shared.rebuilding import Rebuilt, rebuild
from thywill.queue.shared.rows import ClientFacts, ClientRow, LogEntry, Membership, Posted

FACTS = ClientFacts("session", 1.5)
BOUNDS = Bounds(1000, 10**6, 100, 10**6)


def row(**changes: Any) -> ClientRow:
    values = {
        "id": "a",
        "application": "chat",
        "facts": FACTS,
        "server": "one",
        "cursor": 40,
        "received": 0,
        "handled": 0,
        "connected": True,
        "gone": None,
        "data": None,
        "channels": {},
        "left": [],
        "trimmed": 0,
    }
    return ClientRow(**{**values, **changes})


def posted(position: int, channel: str) -> Posted:
    return Posted("chat", position, Address.channel(channel), Message(b"1"))


def moved(position: int, channel: str, *, enters: bool) -> Membership:
    return Membership("chat", position, "a", channel, enters)


def ids(rebuilt: Rebuilt) -> list[int]:
    return [entry.id for entry in rebuilt.client.outbox.entries if isinstance(entry, Entry)]


def rebuilt(client: ClientRow, *entries: LogEntry) -> Rebuilt:
    return rebuild(client, entries, 40, 50, BOUNDS, MessageLog(LogBounds()))


def test_clients_with_the_same_browser_share_its_name() -> None:
    agents = [" ".join(["Mozilla/5.0", "Firefox/128.0"]) for _ in range(2)]
    one, other = (rebuilt(row(facts=ClientFacts("s", 1.5, "", each))).client for each in agents)
    assert agents[0] is not agents[1]
    assert one.user_agent is other.user_agent


def test_the_row_decides_which_messages_of_a_channel_it_gets() -> None:
    client = row(channels={"lobby": 45}, left=[("score", 10, 52)])
    found = rebuilt(client, posted(41, "score"), posted(44, "lobby"), posted(46, "lobby"), posted(49, "room"))
    assert ids(found) == [41, 46]
    assert found.channels == ["lobby", "score"]


def test_a_message_that_excludes_it_is_left_out() -> None:
    message = Message(b"1", exclude="a")
    excluded = Posted("chat", 46, Address.channel("lobby"), message)
    others = Posted("chat", 47, Address.channel("lobby"), message._replace(exclude="b"))
    assert ids(rebuilt(row(channels={"lobby": 45}), excluded, others)) == [47]


def test_a_channel_that_it_enters_after_the_row_was_read_counts() -> None:
    found = rebuilt(row(), posted(42, "room"), moved(47, "room", enters=True), posted(49, "room"))
    assert (ids(found), found.channels) == ([49], ["room"])


def test_a_channel_that_it_leaves_after_the_row_was_read_counts() -> None:
    found = rebuilt(
        row(channels={"room": 30}), posted(42, "room"), moved(47, "room", enters=False), posted(49, "room")
    )
    assert (ids(found), found.channels) == ([42], [])


def test_a_change_that_the_row_has_already_counts_once() -> None:
    client = row(channels={"room": 48}, left=[("room", 30, 45)])
    found = rebuilt(
        client,
        posted(42, "room"),
        moved(45, "room", enters=False),
        posted(46, "room"),
        moved(48, "room", enters=True),
        posted(49, "room"),
    )
    assert (ids(found), found.channels) == ([42, 49], ["room"])


def test_the_changes_of_others_do_not_count() -> None:
    found = rebuilt(row(), Membership("chat", 47, "b", "room", enters=True), posted(49, "room"))
    assert (ids(found), found.channels) == ([], [])


def losses(rebuilt: Rebuilt) -> list[tuple[int, int]]:
    return [(entry.id, entry.lost) for entry in rebuilt.client.outbox.entries if entry.lost]


def test_what_the_server_before_has_dropped_is_lost_and_not_sent() -> None:
    client = row(channels={"lobby": 10}, trimmed=42, dropped=44, lost=[(39, 1), (43, 2), (44, 1)])
    found = rebuilt(client, posted(43, "lobby"), posted(46, "lobby"))
    assert (losses(found), ids(found)) == ([(43, 2), (44, 1)], [46])


def test_what_nobody_knows_is_lost_once() -> None:
    client = row(channels={"lobby": 10}, trimmed=45, dropped=43, lost=[(43, 2)])
    found = rebuilt(client, posted(46, "lobby"))
    assert (losses(found), ids(found)) == ([(43, 2), (45, 1)], [46])
