"""Vote: a question with answers, whose bars grow while people choose.

``poll.py`` has the rules. This module saves each record of the poll in the channel ``ballots``, which has a
history and no members. So no page sees how others have voted, and after a restart ``on_start`` adds the
records up again. Pages get only the sums, at most five times a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from msgspec import Meta

from apps.vote.poll import ANSWER, TEXT, TOGETHER, VOTERS, Poll, PollError
from thywill import Client, Cuttable, RpcError, every, one_line, rpc

MODERATOR = "moderator"
"""The id of the user who may change the poll; a ticket names this user."""
BALLOTS = "ballots"
RESULT = "result"
RECORDS = 100_000
"""After so many records all votes are saved together, so that the records before can be dropped."""
KEPT = RECORDS + VOTERS // TOGETHER + 1000
"""The length of the history: these records, all votes together, and the records that come meanwhile."""

Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Text = Annotated[str, Meta(max_length=20_000)]


class Vote(Cuttable):
    title = "Vote"
    description = "Ask everybody, and watch the answers come in."
    icon = "icon.svg"
    page = "vote.html"
    scripts = ["bars.js", "moderate.js", "vote.js"]
    styles = ["vote.css"]
    history = {BALLOTS: {"count": KEPT, "bytes": 32 * 1024 * 1024}}
    channel_overflow = {RESULT: "conflate"}

    async def on_start(self) -> None:
        self._poll = Poll()
        self._records = self._saved_together = 0
        for record in self.past(BALLOTS):
            self._add(record)
        # Pages that have survived a restart may have missed a change.
        self._is_fresh = True

    async def on_connect(self, client: Client) -> None:
        await self.look(client)

    @rpc
    async def look(self, client: Client) -> None:
        """Send the page whether it is a moderator's, the person's choice, and the result."""
        await client.limit("look", 3, per=10)
        await client.send({"type": "you", "moderator": _is_moderator(client)})
        await client.send(self._choice(_voter(client)))
        await self.unsubscribe(client, RESULT)
        await self.subscribe(client, RESULT, snapshot=self._poll.result)

    @rpc
    async def vote(self, client: Client, n: Number, answer: int) -> None:
        """Choose an answer to question ``n``, or another one than before."""
        await client.limit("vote", 10, per=10)
        by = _voter(client)
        with _errors_answered():
            record = self._poll.vote(by, n, answer)
        if self._poll.votes.get(by) != answer:
            await self._save(record)
        if client.user is None:
            await self.send_to_session(client.session, self._choice(by))
        else:
            await self.send_to_user(client.user.id, self._choice(by))

    @every(0.2)
    async def show(self) -> None:
        if self._is_fresh:
            self._is_fresh = False
            await self.publish(RESULT, self._poll.result(), key=RESULT)

    # What a moderator does.

    @rpc
    async def ask(self, client: Client, n: Number, text: Text, answers: list[Text]) -> None:
        """Replace question ``n`` by another one."""
        _check_moderator(client)
        lines = [line for line in (one_line(answer, ANSWER) for answer in answers) if line]
        with _errors_answered():
            record = self._poll.ask(n, one_line(text, TEXT), lines)
        if record is not None:
            await self._save(record)

    @rpc
    async def open(self, client: Client, is_open: bool) -> None:
        """Open the voting, or close it."""
        _check_moderator(client)
        await self._save(self._poll.open(is_open=is_open))

    # The records.

    async def _save(self, record: dict[str, Any]) -> None:
        # Save it again if all votes were saved together meanwhile, perhaps without this one.
        saved = -1
        while saved != self._saved_together:
            saved = self._saved_together
            await self.publish(BALLOTS, record)
        self._add(record)
        if self._records >= RECORDS:
            self._records = 0
            await self._save_together()

    async def _save_together(self) -> None:
        for record in self._poll.records():
            self._saved_together += 1
            await self.publish(BALLOTS, record)

    def _add(self, record: dict[str, Any]) -> None:
        self._poll.add(record)
        self._records += 1
        self._is_fresh = True

    def _choice(self, by: str) -> dict[str, Any]:
        return {"type": "choice", "n": self._poll.n, "answer": self._poll.votes.get(by)}


def _voter(client: Client) -> str:
    """Return the id of the voter: a user has one vote with all browsers, others one with each browser."""
    return client.person_id if client.user is None else f"user {client.user.id}"


def _is_moderator(client: Client) -> bool:
    return client.user is not None and client.user.id == MODERATOR


def _check_moderator(client: Client) -> None:
    if not _is_moderator(client):
        raise RpcError("forbidden", "Only a moderator can do this.")


@contextmanager
def _errors_answered() -> Iterator[None]:
    try:
        yield
    except PollError as error:
        raise RpcError(error.code, error.message) from None
