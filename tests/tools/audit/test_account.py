"""The account: which messages count as lost, doubled or disordered, and which do not."""

from __future__ import annotations

import pytest

from tests.tools.audit.account import BEFORE, UNNOTED, Account, Client


def audience(*, sent: int = 5, kept: int | None = None, may_forget: bool = False) -> tuple[Account, Client]:
    """Return an account of one client that joined at the beginning, and of the messages of one stream."""
    account = Account(may_forget=may_forget)
    account.started("r1")
    client = account.client("c1")
    client.label = "page"
    account.joined("r1", "c1", {"all": 0})
    account.begun("r1", "all", sent)
    account.kept("r1", "all", 1, sent if kept is None else kept)
    return account, client


def see(account: Account, client: Client, *numbers: int, run: str = "r1") -> None:
    for n in numbers:
        account.received(client, "all", run, n, 0.1)


def closed(account: Account) -> dict[str, int]:
    account.close()
    return dict(account.counts)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([1, 2, 3, 4, 5], {}),
        ([1, 2, 3, 4], {"lost": 1}),
        ([2, 3, 4, 5], {"lost": 1}),
        ([1, 2, 5], {"lost": 2}),
        ([], {"lost": 5}),
        ([1, 2, 2, 3, 4, 5], {"doubled": 1}),
        ([1, 3, 2, 4, 5], {"disordered": 1}),
        ([2, 1, 3, 4, 5], {"disordered": 1, "lost": 1}),
    ],
)
def test_what_is_seen_of_five(seen: list[int], expected: dict[str, int]) -> None:
    account, client = audience()
    see(account, client, *seen)
    assert closed(account) == expected


@pytest.mark.parametrize("seen", [[1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 5]])
def test_an_interrupted_message_may_come_or_not(seen: list[int]) -> None:
    account, client = audience(kept=3)
    see(account, client, *seen)
    assert closed(account) == {}


def test_a_client_is_owed_what_came_after_it() -> None:
    account, client = audience()
    client.since = {"all": 3}
    see(account, client, 5)
    assert closed(account) == {"lost": 1}


def test_a_client_that_is_gone_is_owed_no_more_but_no_gap_either() -> None:
    account, client = audience()
    see(account, client, 1, 3)
    account.ended_for(client, "gone", "late")
    assert account.is_settled(client)
    assert closed(account) == {"lost": 1}
    assert account.told == {"gone: late": 1}


def test_the_reported_loss_has_to_equal_the_missing_messages() -> None:
    for told, expected in ((2, {}), (1, {"lost": 1}), (3, {"wrong": 1})):
        account, client = audience()
        see(account, client, 1, 2, 5)
        account.dropped(client, told)
        assert closed(account) == expected


def test_the_next_run_is_owed_from_its_beginning() -> None:
    account, client = audience()
    see(account, client, 1, 2, 3, 4, 5)
    account.started("r2")
    account.kept("r2", "all", 1, 2)
    assert not account.is_settled(client)
    see(account, client, 2, run="r2")
    assert closed(account) == {"lost": 1}


def test_a_message_of_an_earlier_run_after_one_of_a_later() -> None:
    account, client = audience()
    see(account, client, 1, 2, 3, 4)
    account.started("r2")
    account.kept("r2", "all", 1, 1)
    see(account, client, 1, run="r2")
    see(account, client, 5)
    assert closed(account) == {"disordered": 1}


def test_a_message_of_another_client_is_wrong() -> None:
    account, client = audience()
    account.received(client, "d:c2", "r1", 1, 0.1)
    assert account.counts == {"wrong": 1}


def handle(account: Account, *numbers: int, run: str = "r1") -> None:
    for n in numbers:
        account.hook_began(run, "c1", n)
        account.hook_ended(run, "c1", n, 10.0)


@pytest.mark.parametrize(
    ("handled", "expected"),
    [
        ([1, 2, 3], {}),
        ([1, 2], {"lost": 1}),
        ([], {"lost": 3}),
        ([1, 2, 2, 3], {"doubled": 1}),
        ([1, 3], {"lost": 1}),
        ([1, 3, 2], {"disordered": 1}),
    ],
)
def test_what_the_server_handles_of_three(handled: list[int], expected: dict[str, int]) -> None:
    account, client = audience()
    see(account, client, 1, 2, 3, 4, 5)
    client.sent = 3
    handle(account, *handled)
    assert closed(account) == expected


def test_a_hook_may_run_again_when_the_kill_came_before_its_end_was_noted() -> None:
    for ended, expected in ((None, {}), (10 - UNNOTED / 2, {}), (10 - 2 * UNNOTED, {"doubled": 1})):
        account, _ = audience(sent=0)
        account.hook_began("r1", "c1", 1)
        if ended is not None:
            account.hook_ended("r1", "c1", 1, ended)
        account.was_killed(10.0)
        account.started("r2")
        account.hook_began("r2", "c1", 1)
        assert account.counts == expected
        assert account.again == 1 - len(expected)


def test_what_a_leader_does_while_it_stands_still_may_be_done_again() -> None:
    account, _ = audience(sent=0)
    account.hook_began("r1", "c1", 1)
    account.was_killed(10.0)  # it stands still from now on
    account.started("r2")
    account.hook_began("r2", "c1", 1)
    account.hook_ended("r1", "c1", 1, 19.0)
    assert (account.counts, account.again) == ({}, 1)


def test_a_hook_of_a_leader_that_was_replaced_is_wrong() -> None:
    account, _ = audience(sent=0)
    account.was_killed(10.0)
    account.started("r2")
    handle(account, 1, run="r1")
    assert account.counts == {"wrong": 1}


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        ("gone", "the servers have lost messages", {}),
        ("gap", "1 after 2", {}),
        ("gone", "its grace time has passed", {"lost": 1}),
    ],
)
def test_a_client_that_was_told_of_a_loss_is_owed_nothing(
    code: str, reason: str, expected: dict[str, int]
) -> None:
    for may_forget in (True, False):
        account, client = audience(may_forget=may_forget)
        see(account, client, 1, 3)
        account.ended_for(client, code, reason)
        account.close()
        assert account.counts["lost"] == (expected.get("lost", 0) if may_forget else 1)
        assert account.counts["wrong"] == (code == "gap" and not may_forget)


def test_what_was_accepted_of_a_client_that_is_gone_is_owed_unless_the_server_was_killed() -> None:
    for killed, expected in ((False, {"lost": 2}), (True, {})):
        account, client = audience(sent=0)
        client.sent = 3
        account.accepted(client, 2)
        if killed:
            account.was_killed(1.0)
        account.ended_for(client, "gone", "late")
        assert closed(account) == expected


def test_calls_are_answered_once() -> None:
    account, client = audience(sent=0)
    client.sent, client.calls = 2, 2
    handle(account, 1, 2)
    account.replied(client, 1, 2)
    assert not account.is_settled(client)
    account.replied(client, 1, 2)
    assert closed(account) == {"doubled": 1, "lost": 1}
    account.replied(client, 2, 5)
    assert account.counts["wrong"] == 1


@pytest.mark.parametrize(
    ("first", "seen", "expected"),
    [
        ("r1", [3, 4, 5], {}),
        ("r1", [4, 5], {"lost": 1}),
        ("r1", [3, 5], {"lost": 1}),
        ("r1", [], {"lost": 3}),
        ("r0", [], {}),
    ],
)
def test_the_past_reaches_back_into_the_run_before(
    first: str, seen: list[int], expected: dict[str, int]
) -> None:
    account = Account(keeps_past=True)
    account.started(first)
    account.kept("r1", "past", 1, 5)
    account.started("r2")
    client = account.client("c1")
    client.label = "page"
    account.joined("r2", "c1", {"past": 0, BEFORE: 3})
    account.kept("r2", "past", 1, 1)
    for n in seen:
        account.received(client, "past", first, n, 0.1)
    account.received(client, "past", "r2", 1, 0.1)
    assert closed(account) == expected


def test_who_is_there_is_told_once_and_completely() -> None:
    account, client = audience(sent=0)
    account.joined("r1", "c2", {"s:b": 0})
    other = account.client("c2")
    other.label = "another page"
    account.people(client, [client.person], [])
    account.people(client, [other.person], [])
    assert closed(account) == {}
    account.people(client, [other.person], ["somebody"])
    assert account.counts == {"doubled": 1, "wrong": 1}
    account.people(client, [other.person], None)
    account.close()
    assert account.counts == {"doubled": 1, "wrong": 2}


def test_what_excludes_a_page_is_not_for_it() -> None:
    account, client = audience(sent=0)
    account.kept("every", "x:c2", 1, 4)
    for n in (2, 4):
        account.received(client, "x:c2", "every", n, 0.1)
    account.received(client, "x:c1", "every", 1, 0.1)
    assert closed(account) == {"lost": 1, "wrong": 1}
