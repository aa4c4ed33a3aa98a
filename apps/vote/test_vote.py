"""The rules of the poll, and what its pages may do."""

from __future__ import annotations

from typing import Any
from unittest import IsolatedAsyncioTestCase
from unittest.mock import patch

import pytest

from apps.vote import BALLOTS, MODERATOR, Vote
from apps.vote.poll import ANSWER, ANSWERS, TEXT, TOGETHER, Poll, PollError
from thywill import RpcError, User
from thywill.testing import BrowserPage, run


def sum_of(records: list[dict[str, Any]]) -> Poll:
    poll = Poll()
    for record in records:
        poll.add(record)
    return poll


def test_a_changed_mind_counts_once_and_a_repeated_record_changes_nothing() -> None:
    poll = Poll()
    for by, answer in (("ann", 0), ("bob", 0), ("ann", 2), ("ann", 2)):
        record = poll.vote(by, 1, answer)
        poll.add(record)
        poll.add(record)
    assert poll.result()["counts"] == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("n", "answer", "code"), [(2, 0, "old"), (1, 4, "no_such_answer"), (1, -1, "no_such_answer")]
)
def test_what_is_no_vote_is_refused(n: int, answer: int, code: str) -> None:
    with pytest.raises(PollError) as error:
        Poll().vote("ann", n, answer)
    assert error.value.code == code


def test_a_late_vote_for_an_older_question_does_not_count() -> None:
    poll = Poll()
    late = poll.vote("ann", 1, 3)
    question = poll.ask(1, "Tea?", ["Yes", "No"])
    assert question is not None
    poll.add(question)
    poll.add(late)
    assert (poll.n, poll.result()["counts"]) == (2, [0, 0])


def test_a_question_that_is_asked_again_after_a_crash_is_asked_once() -> None:
    poll = Poll()
    question = poll.ask(1, "Tea?", ["Yes", "No"])
    assert question is not None
    poll.add(question)
    poll.add(poll.vote("ann", 2, 0))
    assert poll.ask(1, "Tea?", ["Yes", "No"]) is None
    with pytest.raises(PollError, match="meanwhile"):
        poll.ask(1, "Coffee?", ["Yes", "No"])
    again = poll.ask(2, "Tea?", ["Yes", "No"])
    assert again is not None
    poll.add(again)
    assert poll.result()["counts"] == [0, 0]


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("", ["a", "b"]),
        ("Tea?", ["Yes"]),
        ("Tea?", ["Yes", "Yes"]),
        ("Tea?", [str(n) for n in range(ANSWERS + 1)]),
    ],
)
def test_a_question_needs_a_text_and_different_answers(text: str, answers: list[str]) -> None:
    with pytest.raises(PollError):
        Poll().ask(1, text, answers)


def test_few_records_add_up_to_the_same_poll() -> None:
    poll = sum_of([{"type": "question", "n": 5, "text": "Tea?", "answers": ["Yes", "No"], "open": False}])
    for n in range(2 * TOGETHER + 1):
        poll.add({"type": "vote", "n": 5, "by": f"person {n}", "answer": n % 2})
    records = list(poll.records())
    assert len(records) == 4
    assert sum_of([{"type": "vote", "n": 5, "by": "before", "answer": 0}, *records]) == poll


class TestVote(IsolatedAsyncioTestCase):
    """The poll with its pages."""

    async def test_everybody_sees_the_bars_grow(self) -> None:
        async with run(Vote) as app:
            ann, bob = await app.connect(), await app.connect()
            assert await self.counts(bob) == [0, 0, 0, 0]
            await ann.call("vote", 1, 1)
            await bob.call("vote", 1, 1)
            await app.advance(0.2)
            assert await self.counts(ann) == await self.counts(bob) == [0, 2, 0, 0]
            await ann.call("vote", 1, 3)
            assert await self.counts(await app.connect()) == [0, 1, 0, 1]

    async def test_two_tabs_have_one_vote(self) -> None:
        async with run(Vote) as app:
            one, two = await app.connect(session="ann"), await app.connect(session="ann")
            first, second = await one.begin_call("vote", 1, 0), await two.begin_call("vote", 1, 2)
            assert "result" in (first() or {})
            assert "result" in (second() or {})
            assert await self.counts(await app.connect()) == [0, 0, 1, 0]
            for page in (one, two, await app.connect(session="ann")):
                assert [each for each in await page.all() if each["type"] == "choice"][-1]["answer"] == 2

    async def test_a_user_has_one_vote_with_all_browsers(self) -> None:
        async with run(Vote) as app:
            for n in range(3):
                await (await app.connect(user=User("17", "Ada"))).call("vote", 1, n)
            assert await self.counts(await app.connect()) == [0, 0, 1, 0]

    async def test_a_page_is_told_the_sums_alone(self) -> None:
        async with run(Vote) as app:
            ann, bob = await app.connect(), await app.connect()
            await ann.call("vote", 1, 1)
            await app.advance(1)
            told = repr(await bob.all())
            assert ann.client.person_id not in told
            assert ann.id not in told
            assert BALLOTS not in bob.client.channels

    async def test_only_a_moderator_changes_the_poll(self) -> None:
        async with run(Vote) as app:
            guest, user = await app.connect(), await app.connect(user=User("17", MODERATOR))
            moderator = await app.connect(user=User(MODERATOR, ""))
            assert (await moderator.next(), await guest.next()) == (
                {"type": "you", "moderator": True},
                {"type": "you", "moderator": False},
            )
            for page in (guest, user):
                with pytest.raises(RpcError, match="Only a moderator"):
                    await page.call("ask", 1, "Tea?", ["Yes", "No"])
                with pytest.raises(RpcError, match="Only a moderator"):
                    await page.call("open", False)
            await moderator.call("open", False)
            with pytest.raises(RpcError, match="closed"):
                await guest.call("vote", 1, 0)
            await moderator.call("ask", 1, "Tea <b>now</b>?\n", ["Yes\u202e", "", " No "])
            await app.advance(0.2)
            poll = (await guest.all())[-1]
            assert (poll["n"], poll["text"], poll["answers"]) == (2, "Tea <b>now</b>?", ["Yes", "No"])
            await guest.call("vote", 2, 1)
            with pytest.raises(RpcError, match="The question has changed"):
                await guest.call("vote", 1, 0)

    async def test_bad_input_is_refused(self) -> None:
        async with run(Vote) as app:
            moderator = await app.connect(user=User(MODERATOR, ""))
            bad: list[Any]
            for bad in ([1, "0"], [1, 0.5], [1, None], [1], [1, 0, "ann"], [2**60, 0], [1, 10**18]):
                with pytest.raises(RpcError):
                    await moderator.call("vote", *bad)
            for bad in (
                ["Tea?", "Yes"],
                ["Tea?", ["x" * 50_000, "No"]],
                ["x" * 100_000, ["Yes", "No"]],
                [5, []],
            ):
                with pytest.raises(RpcError):
                    await moderator.call("ask", 1, *bad)
            await moderator.call("ask", 1, "x" * 20_000, ["y" * 20_000, "No"])
            await app.advance(0.2)
            poll = (await moderator.all())[-1]
            assert (len(poll["text"]), len(poll["answers"][0])) == (TEXT, ANSWER)

    async def test_a_thousand_votes_of_one_page_are_one(self) -> None:
        async with run(Vote) as app:
            page = await app.connect()
            replies = [await page.begin_call("vote", 1, n % 4) for n in range(1000)]
            refused = [
                reply for reply in replies if (reply() or {}).get("error", {}).get("code") == "too_many"
            ]
            assert len(refused) == 990
            assert sum(await self.counts(await app.connect())) == 1

    async def test_what_is_saved_adds_up_to_the_poll_also_where_votes_are_saved_together(self) -> None:
        async with run(Vote) as app:
            with patch("apps.vote.RECORDS", 20):
                pages = [await app.connect() for _ in range(30)]
                for turn in range(3):
                    for page in pages:
                        await page.call("vote", 1, turn)
            records = app.application.past(BALLOTS)
            assert any(record["type"] == "votes" for record in records)
            assert sum_of(records).result() == app.application._poll.result()
            last = max(place for place, record in enumerate(records) if record["type"] == "question")
            assert sum_of(records[last:]).result() == app.application._poll.result()

    async def counts(self, page: BrowserPage) -> list[int]:
        counts: list[int] = [each for each in await page.all() if each["type"] == "poll"][-1]["counts"]
        return counts
