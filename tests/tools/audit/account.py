"""The account: what was sent, as the server's journal says, against what each client saw. Pure.

A stream is an ordered series of messages, numbered 1, 2, 3 ... anew in each run of the server. A message
is *kept* when the call that sent it has returned: only then it is owed. One whose call was interrupted may
come or not.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from thywill.core.person import public_id

EVERY = "every"
"""The name of the run for a stream whose numbers go on from run to run."""
EXAMPLES = 12
OWED, OPTIONAL = 1, 0
UNNOTED = 2.0
"""Seconds before a kill in which a hook may end without that being noted, so that it runs again."""
TOLD_OF_LOSS = re.compile(r"^gap|lost")
"""How the reason of an end says that messages are lost: those that the server has, or had accepted."""
BEFORE = "past<"
"""In what a client is owed: of how many messages of the run before it gets the past (``ledger``)."""
TWICE = 2
"""A call's reply is twice its argument, so that a reply that went astray is seen."""


class Sent:
    """One stream in one run of the server."""

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept = bytearray()

    def begin(self, last: int) -> None:
        """The calls that send all up to ``last`` have begun."""
        self.kept.extend(bytes(max(0, last - len(self.kept))))

    def keep(self, first: int, last: int) -> None:
        """The calls that sent these have returned."""
        self.begin(last)
        self.kept[first - 1 : last] = b"\x01" * (last - first + 1)

    def owed(self, after: int, until: int) -> Iterator[int]:
        """Yield the kept numbers ``after < n <= until``."""
        return (n for n in range(after + 1, min(until, len(self.kept)) + 1) if self.kept[n - 1] == OWED)

    @property
    def last(self) -> int:
        """The last number that is kept, or 0."""
        return self.kept.rfind(b"\x01") + 1


class Seen:
    """What one client has seen of one stream in one run."""

    __slots__ = ("first", "last", "missing")

    def __init__(self, n: int) -> None:
        self.first = self.last = n
        self.missing: set[int] = set()

    def take(self, n: int) -> str | None:
        """Record one more message; return what is wrong with it, if anything."""
        if n > self.last:
            self.missing.update(range(self.last + 1, n))
            self.last = n
            return None
        if n in self.missing:
            self.missing.discard(n)
            return "disordered"
        return "disordered" if n < self.first else "doubled"


@dataclass
class Client:
    """One client: what it received, what it sent, which losses were reported to it.

    Args:
        id: the server's id for it.
        label: the auditor's name for it.
        there: the people that it was told of; None if it was told of nobody.
    """

    id: str
    label: str = ""
    joined: str | None = None
    since: dict[str, int] = field(default_factory=dict)
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    gone: str | None = None
    lost_told: int = 0
    sent: int = 0
    accepted: int = 0
    calls: int = 0
    replies: Counter[int] = field(default_factory=Counter)
    handled: Seen | None = None
    handled_count: int = 0
    hooks: dict[int, tuple[str, float]] = field(default_factory=dict)
    killed: bool = False
    there: set[str] | None = None

    @property
    def person(self) -> str:
        """The public id of its session."""
        session = next((stream[2:] for stream in self.since if stream.startswith("s:")), "")
        return public_id(session)


class Account:
    """Everything that was sent and seen in one row of the table.

    Args:
        may_forget: whether the servers may lose what they have confirmed, if they tell the clients.
        keeps_past: whether the past of a channel outlives a run of the server.
        is_whole: whether every message is accounted for, and so every one that a client was told to have
            lost. Events of people are not, nor the first messages of a stream that began before the client.
    """

    def __init__(self, *, may_forget: bool = False, keeps_past: bool = False, is_whole: bool = True) -> None:
        self.may_forget = may_forget
        self.keeps_past = keeps_past
        self.is_whole = is_whole
        self.sent: dict[tuple[str, str], Sent] = {}
        self.runs: dict[str, int] = {}
        self.clients: dict[str, Client] = {}
        self.counts: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.examples: list[str] = []
        self.worst = 0.0
        self.messages = 0
        self.kills: dict[str, float] = {}
        self.again = 0

    def note(self, kind: str, text: str, count: int = 1) -> None:
        """Count a breach, and store its text unless there are too many."""
        self.counts[kind] += count
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{kind}: {text}")

    def client(self, client_id: str) -> Client:
        """Return the client; create it at its first mention."""
        found = self.clients.get(client_id)
        if found is None:
            found = self.clients[client_id] = Client(client_id)
        return found

    # What the server's journal says.

    def started(self, run: str) -> None:
        """A run of the server has begun."""
        self.runs[run] = len(self.runs) + 1

    def begun(self, run: str, stream: str, last: int) -> None:
        """The server is about to send all up to ``last``."""
        self._stream(run, stream).begin(last)

    def kept(self, run: str, stream: str, first: int, last: int) -> None:
        """The calls that sent these have returned."""
        self._stream(run, stream).keep(first, last)

    def _stream(self, run: str, stream: str) -> Sent:
        sent = self.sent.get((stream, run))
        if sent is None:
            sent = self.sent[stream, run] = Sent()
        return sent

    def joined(self, run: str, client_id: str, since: dict[str, int]) -> None:
        """``on_connect`` has run; from these numbers on the client is owed everything in these streams."""
        client = self.client(client_id)
        if client.joined is None:
            client.joined, client.since = run, since

    def hook_began(self, run: str, client_id: str, n: int) -> None:
        """The hook for the client's message ``n`` begins."""
        client = self.client(client_id)
        self.messages += 1
        if self.runs.get(run, 0) < len(self.runs):
            self.note("wrong", f"{client.label} up {n}: its hook begins in {run}, after a later run began")
        if self._runs_again(client, n, run):
            self.again += 1
        elif client.handled is None:
            client.handled_count += 1
            client.handled = Seen(n)
            if n != 1:
                self.note("disordered", f"{client.label} up: the first that arrived was {n}")
        else:
            wrong = client.handled.take(n)
            client.handled_count += wrong != "doubled"
            if wrong:
                self.note(wrong, f"{client.label} up {n} in run {run}")
        client.hooks[n] = run, math.inf

    def _runs_again(self, client: Client, n: int, run: str) -> bool:
        """Tell whether the hook may run again: the kill interrupted it, or its end was not yet committed.

        A leader that stands still counts as killed from then on: what it does later is not committed.
        """
        before, ended = client.hooks.get(n, (run, 0.0))
        return before != run and before in self.kills and ended > self.kills[before] - UNNOTED

    def hook_ended(self, run: str, client_id: str, n: int, now: float) -> None:
        """The hook for the client's message ``n`` has returned."""
        self.client(client_id).hooks[n] = run, now

    def was_killed(self, now: float) -> None:
        """The server was killed, or stands still from now on: what it holds in memory is gone."""
        if self.runs:
            self.kills[list(self.runs)[-1]] = now
        for client in self.clients.values():
            client.killed = client.killed or client.gone is None

    # What the clients say.

    def received(self, client: Client, stream: str, run: str, n: int, delay: float) -> None:
        """The application in the browser has a message."""
        self.messages += 1
        self.worst = max(self.worst, delay)
        seen = client.seen.get((stream, run))
        if seen is None:
            seen = client.seen[stream, run] = Seen(n)
            self._check_stray(client, stream, n)
        else:
            wrong = seen.take(n)
            if wrong:
                self.note(wrong, f"{client.label} {stream} of run {run}: {n} after {seen.last}")
        order = self.runs.get(run, 0)
        if order < client.runs.get(stream, 0):
            self.note("disordered", f"{client.label} {stream}: {n} of run {run} after a later run's")
        client.runs[stream] = max(order, client.runs.get(stream, 0))

    def _check_stray(self, client: Client, stream: str, n: int) -> None:
        if stream[:2] == "x:" and stream[2:] == client.id:
            self.note("wrong", f"{client.label} was given {stream} {n}, which excludes it")
        if stream[:2] in ("d:", "e:") and stream[2:] != client.id:
            self.note("wrong", f"{client.label} was given {stream} {n}, which is another's")

    def people(self, client: Client, joined: list[str], left: list[str] | None) -> None:
        """The page was told who has joined and left; ``left`` is None where all who are there were told."""
        self.messages += 1
        if left is None or client.there is None:
            client.there = set(joined)
            return
        if not client.lost_told:
            for person in client.there.intersection(joined):
                self.note("doubled", f"{client.label}: {person} joins twice")
            for person in set(left).difference(client.there):
                self.note("wrong", f"{client.label}: {person} leaves, and was not there")
        client.there.update(joined)
        client.there.difference_update(left)

    def present(self) -> set[str]:
        """Return the people who have a page."""
        return {
            each.person for each in self.clients.values() if each.label and each.joined and each.gone is None
        }

    def _knows_all(self, client: Client, present: set[str]) -> bool:
        return client.there is None or bool(client.lost_told) or client.there == present

    def accepted(self, client: Client, n: int) -> None:
        """The client was told that its message ``n`` is accepted."""
        if n <= client.accepted:
            self.note("wrong", f"{client.label}: told that {n} is accepted, after {client.accepted}")
        client.accepted = max(client.accepted, n)

    def replied(self, client: Client, n: int, value: object) -> None:
        """A call was answered."""
        self.messages += 1
        client.accepted = max(client.accepted, n)
        client.replies[n] += 1
        if value != TWICE * n:
            self.note("wrong", f"{client.label}: the call {n} was answered {value!r}")
        if client.replies[n] > 1:
            self.note("doubled", f"{client.label}: the reply to {n}")

    def ended_for(self, client: Client, code: str, reason: str) -> None:
        """The client was told that it is gone."""
        if client.gone is None:
            client.gone = f"{code}: {reason}"
            self.told[client.gone] += 1
            if code != "gone" and not (self.may_forget and code == "gap"):
                self.note("wrong", f"{client.label} was sent away with {client.gone}")

    def dropped(self, client: Client, count: int) -> None:
        """The client was told that messages were dropped."""
        client.lost_told += count
        self.told["lost"] += 1

    # The end.

    def missing(self, client: Client) -> Iterator[tuple[str, str, list[int]]]:
        """Yield what the client is owed and has not seen: the stream, the run and the numbers."""
        if client.joined is None:
            return
        yield from self._holes(client)
        first_run = self.runs[client.joined]
        for run, order in {**self.runs, EVERY: math.inf}.items():
            if order < first_run:
                continue
            for stream, since in client.since.items():
                sent = self.sent.get((stream, run))
                if sent is not None:
                    numbers = self._missing_of(client, stream, run, since if order == first_run else 0, sent)
                    if numbers:
                        yield stream, run, numbers

    def _holes(self, client: Client) -> Iterator[tuple[str, str, list[int]]]:
        """Yield what is missing between two messages of a stream of which nothing is known but these."""
        assert client.joined is not None
        for (stream, run), seen in client.seen.items():
            is_past = stream == "past" and self.runs.get(run, 0) < self.runs[client.joined]
            if (stream[:2] == "x:" or is_past) and seen.missing:
                kept = self._stream(run, stream).kept
                if numbers := [n for n in sorted(seen.missing) if kept[n - 1 : n] == b"\x01"]:
                    yield stream, run, numbers
        if self.keeps_past and (numbers := self._missing_before(client)):
            yield "past", "before", numbers

    def _missing_before(self, client: Client) -> list[int]:
        """Return what the client has not seen of those last messages of the run before that it is owed."""
        order = self.runs[client.joined or ""] - 1
        for run in (run for run, number in self.runs.items() if number == order):
            sent, seen = self._stream(run, "past"), client.seen.get(("past", run))
            last = len(sent.kept)
            owed = list(sent.owed(max(0, last - client.since.get(BEFORE, 0)), last))
            return [n for n in owed if seen is None or not seen.first <= n <= seen.last]
        return []

    def _missing_of(self, client: Client, stream: str, run: str, since: int, sent: Sent) -> list[int]:
        seen = client.seen.get((stream, run))
        excused = client.gone is not None
        if seen is None:
            return [] if excused or sent.last <= since else list(sent.owed(since, len(sent.kept)))
        if not seen.missing and seen.last >= sent.last and seen.first <= since + 1:
            return []
        before = list(sent.owed(since, seen.first - 1))
        holes = sorted(n for n in seen.missing if n > since and sent.kept[n - 1 : n] == b"\x01")
        after = [] if excused else list(sent.owed(max(since, seen.last), len(sent.kept)))
        return before + holes + after

    def is_settled(self, client: Client) -> bool:
        """Whether nothing is outstanding for the client, either way."""
        if client.gone is not None:
            return True
        return (
            client.joined is not None
            and client.accepted >= client.sent
            and client.handled_count >= client.sent
            and len(client.replies) >= client.calls
            and sum(len(numbers) for _, _, numbers in self.missing(client)) <= client.lost_told
            and self._knows_all(client, self.present())
        )

    def close(self) -> None:
        """Count what is lost. No further event may follow."""
        present = self.present()
        for client in self.clients.values():
            if not client.label:
                continue  # the client was gone before its page had begun
            if self.may_forget and TOLD_OF_LOSS.search(client.gone or ""):
                continue  # what it has not seen, it was told of
            self._close_down(client)
            self._close_up(client)
            if client.gone is None and client.joined and not self._knows_all(client, present):
                self.note("wrong", f"{client.label} knows {client.there} of the people {present}")

    def _close_down(self, client: Client) -> None:
        count, ranges = 0, ""
        for stream, run, numbers in self.missing(client):
            count += len(numbers)
            ranges += f" {stream} {_ranges(numbers)}"
            if not client.lost_told:
                self.note("lost", f"{client.label} {stream} of run {run}: {_ranges(numbers)}", len(numbers))
        if client.lost_told and (count > client.lost_told or (self.is_whole and count < client.lost_told)):
            kind = "lost" if count > client.lost_told else "wrong"
            text = f"{client.label}: {count} missing, told of {client.lost_told}:{ranges}"
            self.note(kind, text, abs(count - client.lost_told))

    def _close_up(self, client: Client) -> None:
        if client.handled is not None and client.handled.missing:
            holes = sorted(client.handled.missing)
            self.note("lost", f"{client.label} up: {_ranges(holes)} were skipped", len(holes))
        excused = client.gone is not None
        owed = client.accepted if excused else client.sent
        if excused and client.killed:
            return
        last = client.handled.last if client.handled else 0
        if last < owed:
            self.note("lost", f"{client.label} up: {last + 1}-{owed} never arrived", owed - last)
        if client.gone is None and len(client.replies) < client.calls:
            count = client.calls - len(client.replies)
            self.note("lost", f"{client.label}: {count} calls were never answered", count)


def _ranges(numbers: list[int]) -> str:
    """Return numbers as text: ``1-3 7``."""
    parts: list[list[int]] = []
    for n in numbers:
        if parts and parts[-1][1] == n - 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts[:8])
