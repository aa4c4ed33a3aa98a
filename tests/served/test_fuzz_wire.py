"""An evil page: whatever its queries and forms hold, it gets an answer or an error of ours, and nothing else.

The requests go to the endpoints of a whole server, behind the parser of HTTP, so that thousands of them take
seconds. Beside the page there is a victim with a message that waits for it.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
import time
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Start
from tests.support.serving import Running, WireClient, until
from tests.support.steady import STEADY
from thywill.http.message import JSON, Reply, Writer
from thywill.http.request import Request
from thywill.http.site import Site

SECRET = "what-only-the-victim-may-read"
MOST_SECONDS = 1.0
"""Of processor time, for one request: what is not linear takes longer, and the garbage collector does not."""
EXAMPLES = settings(STEADY, max_examples=200)

STATUSES = {200, 204, 400, 401, 403, 404, 405, 409, 410, 413, 415, 429, 500}
CALL = re.compile(rb"/\*\*/[A-Za-z_$][\w$.]{0,330}\((.*)\);", re.DOTALL)
COMPLAINT = re.compile(
    rb"(\d+ messages in one request; it may have \d+|A form may have 20 fields|a form may have 20 fields"
    rb'|Payload expected|Broken JSON encoding|"callback" parameter required|invalid "callback" parameter)\.?'
)


class Captured(Reply):
    """A reply that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 0
        self.said = b""
        self.pieces = 0

    def send(self, status: int, body: bytes, head: bytes = JSON) -> None:
        self._say(status, body, head)

    def begin(self, status: int, head: bytes, chunk: bytes, writer: Writer) -> bool:
        self.owner = writer
        self._say(status, chunk, head)
        return True

    def _say(self, status: int, body: bytes, head: bytes) -> None:
        assert not self.status, "two answers"
        self.status, body, head = (
            (status, body, head) if self.transform is None else self.transform(status, body, head)
        )
        self.body, self.said = body, self.said + head + body

    def write(self, chunk: bytes) -> bool:
        self.said += chunk
        return True

    def end(self) -> None:
        self.owner = None


class Scene:
    """The server, the victim and the evil page."""

    def __init__(self, running: Running, victim: WireClient, page: WireClient) -> None:
        server: Any = running.service._server
        self.site: Site = server.shared.site
        self.victim = victim
        self.page = page

    def ask(self, method: str, target: bytes, body: bytes = b"", **headers: str) -> Captured:
        """Send a request, and see that the answer is one of ours that says nothing of the victim."""
        request, reply = Request(), Captured()
        request.method, request.target, request.body = method.encode(), target, body
        request.path, request.host, request.peer = target.partition(b"?")[0], b"127.0.0.1", "127.0.0.1"
        request.headers = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        began = time.process_time()
        endpoint = self.site.find(request)
        assert endpoint is not None
        self.site.answer(endpoint, request, reply)
        assert time.process_time() - began < MOST_SECONDS
        assert reply.status in STATUSES or (not reply.status and reply.owner is not None)
        for secret in (SECRET, self.victim.id, self.victim.token):
            # The page may be told what it has said itself, such as the name of its function.
            assert secret.encode() not in reply.said or secret.encode() in target + body
        return reply

    def words(self) -> st.SearchStrategy[str]:
        """Return what the fields of a query may hold: nearly right, or not at all."""
        token, other = self.page.token, self.victim.token
        near = [token, other[:-1], other + "x", other.swapcase(), token[:20] + other[20:]]
        return st.sampled_from([*near, *WORDS]) | st.text(max_size=12)


WORDS = [
    "0", "1", "-1", "1e300", str(2**63), "NaN", "null", "true", "[]", "{}", "[[1,2]]", '[[1,[],"m"]]', '"',
    "",
    '[[1,"\\ud83d"]]', "[" * 500, "f", "f.g", "alert(1)", "a" * 70, "probe", "echo", "nothing",
]  # fmt: skip
NAMES = ["callback", "token", "cursor", "hold", "messages", "application", "page", "c", "d", "callback[]", ""]


@st.composite
def queries(draw: st.DrawFn, words: st.SearchStrategy[str]) -> bytes:
    """Make a query that a browser would write, or one with bytes in it that none would."""
    fields = draw(st.lists(st.tuples(st.sampled_from(NAMES), words), max_size=8))
    if draw(st.booleans()):
        fields.insert(0, ("callback", "f"))
    text = urlencode(fields).encode()
    if draw(st.integers(0, 3)):
        return text
    place = draw(st.integers(0, len(text)))
    junk = draw(
        st.sampled_from([b"%", b"%zz", b"%00", b"%ff", b"&&", b"=", b";", b"\xff", b"?", b"&a=" * 40])
    )
    return text[:place] + junk + text[place:]


async def prepare(start: Start) -> Scene:
    running = await start(client_interface={"origins": ["*"]})
    victim, page = await running.connect(), await running.connect()
    await victim.send({"echo": SECRET})
    await until(lambda: running.service.meter.applications["probe"].sends)
    return Scene(running, victim, page)


async def nothing_was_harmed(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """The victim has its message, and nothing in the log is an error or a traceback."""
    assert SECRET in json.dumps(await scene.victim.poll(hold=0))
    assert [
        each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR or each.exc_info
    ] == []


@pytest.mark.gen_test
async def test_queries_of_jsonp(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    scene = await prepare(start)

    @given(st.sampled_from([b"connect", b"poll", b"send", b"leave"]), queries(scene.words()))
    @EXAMPLES
    def try_one(name: bytes, query: bytes) -> None:
        reply = scene.ask("GET", b"/thywill/" + name + b"?" + query)
        if reply.status == 200:
            called = CALL.fullmatch(reply.body)
            assert called is not None
            answer = json.loads(called[1])
        elif reply.status:
            answer = json.loads(reply.body)
        else:
            return  # a poll that waits
        assert answer.get("error", {}).get("code") != "internal"

    try_one()
    await nothing_was_harmed(scene, caplog)


@pytest.mark.gen_test
async def test_queries_of_sockjs(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    scene, numbers = await prepare(start), itertools.count()

    @given(st.sampled_from([b"jsonp", b"htmlfile", b"eventsource"]), queries(scene.words()))
    @EXAMPLES
    def try_one(kind: bytes, query: bytes) -> None:
        reply = scene.ask("GET", b"/thywill/sockjs/0/%d/%b?%b" % (next(numbers), kind, query))
        assert reply.status in (0, 200, 400, 429, 500)
        if reply.status == 500:
            assert COMPLAINT.fullmatch(reply.body)

    try_one()
    await nothing_was_harmed(scene, caplog)


@st.composite
def forms(draw: st.DrawFn, words: st.SearchStrategy[str]) -> bytes:
    """Make the body of a ``jsonp_send``: a form around frames around messages, spoiled somewhere."""
    token = draw(words)
    frame = draw(
        st.sampled_from(
            [{"token": token, "cursor": 0}, {"messages": [[1, token]]}, {"leave": True}, {"echo": 1}]
        )
    )
    frames = draw(st.sampled_from([[json.dumps(frame)], [frame], frame, [token] * 12, [], None]))
    text = json.dumps(frames)
    body = (draw(st.sampled_from(["d=", "e=1&d=", "d=x&d=", ""])) + quote(text)).encode()
    if draw(st.booleans()):
        return body
    place = draw(st.integers(0, len(body)))
    junk = draw(
        st.binary(max_size=6) | st.sampled_from([b"%", b"%u1234", b"%ff", b"a=&" * 30, b"\\", b"+" * 50])
    )
    return body[:place] + junk + body[place + draw(st.integers(0, 4)) :]


@pytest.mark.gen_test
async def test_forms(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    scene, numbers = await prepare(start), itertools.count()
    kinds = st.sampled_from(
        ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=b"]
    )

    @given(kinds, st.sampled_from([b"jsonp_send", b"xhr_send"]), forms(scene.words()))
    @EXAMPLES
    def try_one(kind: str, sender: bytes, body: bytes) -> None:
        session = b"/thywill/sockjs/0/%d/" % next(numbers)
        scene.ask("POST", session + b"xhr")
        reply = scene.ask("POST", session + sender, body, content_type=kind)
        assert reply.status in (200, 204, 404, 413, 429, 500)
        if reply.status == 500:
            assert COMPLAINT.fullmatch(reply.body)

    try_one()
    await nothing_was_harmed(scene, caplog)
