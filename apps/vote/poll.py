"""The poll: its question, its answers, and how people have voted. Pure: no clock, no network.

A poll is the sum of its *records*, dicts that can be saved in order and added up again:

    {"type": "question", "n": 1, "text": "Tea?", "answers": ["Yes", "No"]}    [0, 0]
    {"type": "vote", "n": 1, "by": "ann", "answer": 0}                        [1, 0]
    {"type": "vote", "n": 1, "by": "ann", "answer": 1}                        [0, 1]   she changes her vote
    {"type": "open", "n": 1, "open": false}                                   [0, 1]   nobody can vote

A record that is added twice changes nothing the second time. So it does no harm if a hook runs again after a
crash, and saves a record again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

TEXT = 160
"""The largest number of characters in a question."""
ANSWER = 60
"""The largest number of characters in an answer."""
ANSWERS = 8
"""The largest number of answers to a question."""
VOTERS = 50_000
"""The largest number of people who can vote on one question."""
TOGETHER = 500
"""The number of votes in one record, when all votes are saved together."""


class PollError(Exception):
    """An action is not possible.

    Args:
        code: a word for the page's script.
        message: a sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Poll:
    """One question with its votes.

    Args:
        n: the number of the question; each question has a higher number than the one before.
        text: the question.
        answers: the answers.
        is_open: whether people can vote at present.
        votes: the index of the answer that a person has chosen, by the person's id.
        counts: for each answer, how many people have chosen it.
    """

    n: int = 1
    text: str = "Which season do you like best?"
    answers: list[str] = field(default_factory=lambda: ["Spring", "Summer", "Autumn", "Winter"])
    is_open: bool = True
    votes: dict[str, int] = field(default_factory=dict)
    counts: list[int] = field(default_factory=lambda: [0] * 4)

    # Actions. Each returns the record that has to be saved and added, or raises PollError.

    def vote(self, by: str, n: int, answer: int) -> dict[str, Any]:
        """Let a person choose an answer to the question with the number ``n``."""
        if n != self.n:
            raise PollError("old", "The question has changed. Please choose again.")
        if not self.is_open:
            raise PollError("closed", "The voting is closed.")
        if not 0 <= answer < len(self.answers):
            raise PollError("no_such_answer", "There is no such answer.")
        if by not in self.votes and len(self.votes) >= VOTERS:
            raise PollError("full", "No more people can vote on this question.")
        return {"type": "vote", "n": n, "by": by, "answer": answer}

    def ask(self, n: int, text: str, answers: list[str]) -> dict[str, Any] | None:
        """Replace the question with the number ``n`` by another one.

        Returns:
            the record; None if this question has been asked already.
        """
        _check(text, answers)
        if (n + 1, text, answers) == (self.n, self.text, self.answers):
            return None
        if n != self.n:
            raise PollError("old", "Somebody else has asked a question meanwhile.")
        return {"type": "question", "n": n + 1, "text": text, "answers": answers}

    def open(self, *, is_open: bool) -> dict[str, Any]:
        """Open the voting, or close it."""
        return {"type": "open", "n": self.n, "open": is_open}

    # The sum.

    def add(self, record: dict[str, Any]) -> None:
        """Add a record; one of an older question changes nothing."""
        kind = record["type"]
        if kind == "question":
            self.n, self.text, self.answers = record["n"], record["text"], record["answers"]
            self.is_open = record.get("open", True)
            self.votes, self.counts = {}, [0] * len(self.answers)
        elif record["n"] == self.n:
            if kind == "vote":
                self._count(record["by"], record["answer"])
            elif kind == "votes":
                for by, answer in record["votes"].items():
                    self._count(by, answer)
            else:
                self.is_open = record["open"]

    def _count(self, by: str, answer: int) -> None:
        before = self.votes.get(by)
        if before is not None:
            self.counts[before] -= 1
        self.votes[by] = answer
        self.counts[answer] += 1

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield a few records that add up to this poll; votes that come meanwhile are in the later ones."""
        yield {**self._question(), "open": self.is_open}
        for first in range(0, len(self.votes), TOGETHER):
            some = dict(islice(self.votes.items(), first, first + TOGETHER))
            yield {"type": "votes", "n": self.n, "votes": some}

    def result(self) -> dict[str, Any]:
        """Return the message with the question and the sums, for every page."""
        return {**self._question(), "type": "poll", "open": self.is_open, "counts": self.counts}

    def _question(self) -> dict[str, Any]:
        return {"type": "question", "n": self.n, "text": self.text, "answers": self.answers}


def _check(text: str, answers: list[str]) -> None:
    if not text:
        raise PollError("empty", "A question needs a text.")
    if not 2 <= len(answers) <= ANSWERS:
        raise PollError(
            "answers", f"A question has between 2 and {ANSWERS} answers, each on a line of its own."
        )
    if len(set(answers)) < len(answers):
        raise PollError("answers", "Two answers are the same.")
