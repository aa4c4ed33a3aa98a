"""A small site that does what sites do, well or badly, and remembers what happened to it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping

from tornado.web import Application

from tests.unit.http.handlers import HANDLERS, Memory
from thywill.errors import Gone, NotFound, TooMany
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint, Site
from thywill.wire.refusals import Refusals

TEXT = b"Content-Type: text/plain\r\n"


class Parked:
    """A request that waits for its answer."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.closings = 0
        reply.owner = self

    def closed(self) -> None:
        self.closings += 1


class Pieces:
    """A request that is answered piece by piece."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.closings = 0
        self.turns = 0
        self.may_go_on = reply.begin(200, TEXT, b"begun", self)

    def write(self, chunk: bytes) -> bool:
        self.may_go_on = self.reply.write(chunk)
        return self.may_go_on

    def writable(self) -> None:
        self.turns += 1
        self.may_go_on = True

    def closed(self) -> None:
        self.closings += 1


class Limited:
    """An endpoint that says by the query how large a body may be: ``?limit=5000``, or ``?unknown``."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def __call__(self, request: Request, reply: Reply) -> None:
        self._endpoint(request, reply)

    def body_limit(self, request: Request) -> int:
        fields = request.query()
        if "unknown" in fields:
            raise NotFound("there is no such session")
        return int(fields.get("limit", "0"))


class Place:
    """What the servers under test serve."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.parked: list[Parked] = []
        self.pieces: list[Pieces] = []
        self.asked: list[bytes] = []
        self.park_peers: set[str] = set()
        self.limited: Counter[str] = Counter()

    def site(self) -> Site:
        """Return it for a server."""
        rules = [(path, handler, {"memory": self.memory}) for path, handler in HANDLERS.items()]
        return Site(
            Application(rules, log_function=lambda handler: None),
            Refusals(Counter()),
            self._endpoints(),
            limited=self.limited,
        )

    def _endpoints(self) -> Mapping[bytes, Endpoint]:
        return {
            b"/now": self._now,
            b"/later": self._later,
            b"/park": self._park,
            b"/pieces": self._pieces,
            b"/big": self._big,
            b"/gone": self._gone,
            b"/too-many": self._too_many,
            b"/fails": self._fails,
            b"/limited": Limited(self._now),
        }

    def _now(self, request: Request, reply: Reply) -> None:
        self.asked.append(request.target)
        reply.send(200, _describe(request))

    def _later(self, request: Request, reply: Reply) -> None:
        self.asked.append(request.target)
        asyncio.get_running_loop().call_soon(reply.send, 200, _describe(request))

    def _park(self, request: Request, reply: Reply) -> None:
        self.asked.append(request.target)
        self.park_peers.add(request.peer)
        self.parked.append(Parked(reply))

    def _pieces(self, request: Request, reply: Reply) -> None:
        if b"transformed" in request.target:
            reply.transform = lambda status, body, head: (status + 1, body, head + b"X-Transformed: yes\r\n")
        self.pieces.append(Pieces(reply))
        if b"gone" in request.target:
            raise Gone("it left, and the answer has begun")
        if b"fails" in request.target:
            raise RuntimeError("an endpoint that fails in the middle")

    def _big(self, request: Request, reply: Reply) -> None:
        self.asked.append(request.target)
        reply.send(200, b"b" * int(request.query()["size"]))

    def _gone(self, request: Request, reply: Reply) -> None:
        raise Gone("it is no longer here")

    def _too_many(self, request: Request, reply: Reply) -> None:
        raise TooMany("one after the other", retry=7)

    def _fails(self, request: Request, reply: Reply) -> None:
        raise RuntimeError("an endpoint that fails")


def _describe(request: Request) -> bytes:
    fields = {
        "method": request.method.decode(),
        "target": request.target.decode("latin-1"),
        "version": request.version,
        "host": None if request.host is None else request.host.decode("latin-1"),
        "headers": sorted(
            [name.decode().lower(), value.strip().decode("latin-1")] for name, value in request.headers
        ),
        "body": request.body.decode("latin-1"),
        "address": request.peer,
        "scheme": request.scheme,
    }
    return json.dumps(fields).encode()
