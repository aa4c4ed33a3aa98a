"""Checks whether each transport gets through, and for how long an answer may be silent."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from thywill.commands import remedies
from thywill.commands.http_client import Answer, HttpClient, PendingRequest, Unreachable
from thywill.commands.report import Report
from thywill.core import probe

PROMPT = 3.0
"""Seconds within which a frame has to arrive; a proxy that buffers holds it back for longer."""
ENDING = 10.0
"""Seconds within which the end of a session has to arrive; a proxy that buffers sends everything then."""
SLACK = 3.0
FORM = "application/x-www-form-urlencoded"

POLLS = {"xhr": b"o\n", "jsonp": b'/**/d("o");'}
STREAMS = {"xhr_streaming": b"\no\n", "eventsource": b"data: o", "htmlfile": b'p("o")'}
"""The first bytes of a session that opens, by the transport's name in the address."""
REFUSED = b"bad_token"


class Effect(Enum):
    """How well a transport works although something is wrong with it."""

    NOTHING = "nothing"
    LATE = "late"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of trying a transport.

    Args:
        trouble: what is wrong; empty if the transport works.
        remedy: what to do about it.
        effect: how well the transport works all the same.
    """

    trouble: str = ""
    remedy: str = ""
    effect: Effect = Effect.NOTHING


ELSEWHERE = Outcome(
    "fails: the requests of one session reach several servers", remedies.SESSIONS, Effect.LATE
)


class SockJSProbe:
    """One SockJS session. It sends a wrong token, so that the server closes it.

    Args:
        http: sends the requests.
        transport: the transport's name in the session's address.
        prompt: seconds within which a frame has to arrive.
    """

    def __init__(self, http: HttpClient, transport: str, prompt: float) -> None:
        self._http = http
        self._transport = transport
        self._prompt = prompt
        self._base = f"thywill/sockjs/{probe.TOKEN}/{secrets.token_hex(12)}"

    async def run(self) -> Outcome:
        """Open the session and return how its transport works."""
        try:
            return await (self._stream() if self._transport in STREAMS else self._poll())
        except Unreachable as error:
            return Outcome(f"fails: {error.reason}", error.remedy)

    async def _poll(self) -> Outcome:
        first = self._begin()
        await first.done()
        if not first.answer.body.startswith(POLLS[self._transport]):
            return _failure(first)
        second = self._begin()
        known = await self._show_token()
        if known and await second.wait_for(REFUSED, self._prompt):
            return Outcome()
        is_new = second.answer.body.startswith(POLLS[self._transport])
        return _failure(second) if known and not is_new else ELSEWHERE

    async def _stream(self) -> Outcome:
        stream = self._begin()
        opened = await stream.wait_for(STREAMS[self._transport], self._prompt)
        # A session without a token ends by itself. A first frame that arrives only then was held back.
        was_prompt = opened and REFUSED not in stream.answer.body
        if stream.ended is None and not await self._show_token():
            return ELSEWHERE
        if not await stream.wait_for(REFUSED, ENDING):
            return _failure(stream)
        return _works(stream.answer) if was_prompt else _held_back(stream.answer)

    def _begin(self) -> PendingRequest:
        query = "" if self._transport in ("xhr", "xhr_streaming", "eventsource") else "?c=d"
        body = b"" if self._transport in ("xhr", "xhr_streaming") else None
        method = "GET" if body is None else "POST"
        return self._http.begin(f"{self._base}/{self._transport}{query}", method=method, body=body)

    async def _show_token(self) -> bool:
        """Send a wrong token; return whether the server that gets the request knows the session."""
        frames = json.dumps([json.dumps({"token": probe.TOKEN, "cursor": 0})])
        if self._transport == "jsonp":
            form = {"Content-Type": FORM}
            path, body = "jsonp_send", f"d={frames}".encode()
        else:
            form = {"Content-Type": "text/plain"}
            path, body = "xhr_send", frames.encode()
        return (await self._http.fetch(f"{self._base}/{path}", headers=form, body=body)).status != 404


def _failure(request: PendingRequest) -> Outcome:
    answer = request.answer
    if answer.status == 429 and not answer.code:
        return Outcome("fails: the proxy's limit of requests is too low (429)", remedies.LIMITS)
    if answer.status not in (0, 200):
        return Outcome(f"fails: {answer.status} instead of frames", remedies.UPSTREAM)
    return Outcome("fails: nothing arrives", remedies.BUFFERING)


def _works(answer: Answer) -> Outcome:
    if answer.encoding:
        text = f"works, but is compressed ({answer.encoding}): other proxies may hold it back"
        return Outcome(text, remedies.GZIP, Effect.LESS)
    return Outcome()


def _held_back(answer: Answer) -> Outcome:
    if answer.encoding:
        mended = f"{remedies.GZIP}\n{remedies.BUFFERING}"
        return Outcome(
            f"is held back until its end: compressed ({answer.encoding}), buffered", mended, Effect.LATE
        )
    return Outcome("is held back until its end: buffered", remedies.BUFFERING, Effect.LATE)


async def probe_longpoll(http: HttpClient) -> Outcome:
    """Try a native poll."""
    return await _refused(
        http,
        "thywill/poll",
        body={"token": probe.TOKEN, "cursor": 0},
        headers={"Content-Type": "text/plain"},
    )


async def probe_scripts(http: HttpClient) -> Outcome:
    """Try a native poll with a script tag (JSONP)."""
    path = f"thywill/poll?token={probe.TOKEN}&cursor=0&callback=d"
    return await _refused(http, path, headers={"Referer": http.url})


async def _refused(http: HttpClient, path: str, **options: Any) -> Outcome:
    try:
        answer = await http.fetch(path, **options)
    except Unreachable as error:
        return Outcome(f"fails: {error.reason}", error.remedy)
    if b'"bad_token"' in answer.body:
        return Outcome()
    if answer.code in ("origin", "method"):
        return Outcome(f"fails: {answer.status}, as for a page of another site", remedies.HOST)
    return Outcome(f"fails: {answer.status} instead of an answer", remedies.UPSTREAM)


async def probe_transports(http: HttpClient, push: list[str], hold: float) -> Report:
    """Try every transport and report on each.

    Args:
        http: sends the requests.
        push: the push components of the server.
        hold: seconds after which the server answers a poll, or sends a heartbeat, by itself.
    """
    probes: dict[str, Awaitable[Outcome]] = {}
    if "longpoll" in push:
        probes |= {"longpoll": probe_longpoll(http), "longpoll jsonp": probe_scripts(http)}
    if "sockjs" in push:
        prompt = min(PROMPT + 2 * http.slowest, hold / 2)
        names = (*POLLS, *STREAMS)
        probes |= {each.replace("_", "-"): SockJSProbe(http, each, prompt).run() for each in names}
    outcomes = dict(zip(probes, await asyncio.gather(*probes.values()), strict=True))
    return report_on(outcomes)


def report_on(outcomes: dict[str, Outcome]) -> Report:
    """Return a report; a stream that is held back is a warning, since browsers fall back to polls."""
    report = Report()
    for name, outcome in outcomes.items():
        if not outcome.trouble:
            report.good(name, "works")
        elif outcome.effect is Effect.LESS:
            report.warn(name, outcome.trouble, outcome.remedy)
        elif outcome.effect is Effect.LATE:
            report.warn(name, f"{outcome.trouble}; browsers fall back to polls", outcome.remedy)
        else:
            report.problem(name, outcome.trouble, outcome.remedy)
    return report


async def probe_silence(http: HttpClient, hold: float, seconds: float) -> Report:
    """Check whether an answer may be silent for as long as the server holds polls.

    Args:
        http: sends the request.
        hold: for how many seconds the server holds a poll.
        seconds: how many seconds are left for this check.
    """
    report = Report()
    wanted = hold + 1
    pause = min(wanted, seconds - SLACK - 1)
    if pause < 1:
        report.warn("silence", "no time is left to check it", f"--patience {hold + 15:.0f}")
        return report
    request = http.begin(f"thywill/echo?pause={pause:.1f}", timeout=pause + SLACK)
    await request.done()
    cut = b'"waited"' not in request.answer.body
    if cut and request.duration < pause - 0.5:
        mended = remedies.READ_TIMEOUT.format(max(60, 2 * hold))
        text = f"a silent answer is cut after {request.duration:.0f} s, but polls are held for {hold:g} s"
        report.problem("silence", text, mended)
    elif cut:
        text = f"a line that was sent after {pause:.0f} s has not arrived {SLACK:g} s later"
        report.problem("silence", text, remedies.BUFFERING)
    elif pause < wanted:
        text = f"an answer may be silent for {pause:.0f} s, polls are held for {hold:g} s"
        report.warn("silence", text, f"--patience {hold + 15:.0f}")
    else:
        report.good("silence", f"an answer may be silent for the hold of {hold:g} s")
    return report
