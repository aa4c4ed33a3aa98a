"""The cache of request heads: a head that was parsed before is not parsed again.

The head of a browser's requests is the same each time, but for the request line and the length of the body.
Parsing takes several times as long as a look-up here, and was the largest part of a poll. An example:

    POST /thywill/connect … Content-Length: 22 … {"app…      new: parsed, and cached
    POST /thywill/poll … Content-Length: 96 … {"token":…     cached: a copy of it gets this target and body
    POST /thywill/poll … Content-Length: 97 … {"token":…     the same again
    POST /thywill/poll … Cookie: other … {"token":…          another head, so new

The cache must be exactly as strict as the parser. So it holds only heads that the parser has accepted and
that arrived between two requests, as one piece with the body and nothing else; and it is asked only for such
pieces. A request line has to have the plain form of ``LINE``, and the length has to be the number of the
bytes that follow, written as ``%d`` writes it. A request that is chunked, has an Expect or Upgrade header,
ends its connection, or has more than a small body is never cached.

The cache holds a digest of each head, keyed by a random key of the process, so a browser costs some 0.2 KB.
Requests that differ only in their cookies share one cached request.
"""

from __future__ import annotations

import hashlib
import os
import re

from thywill.core.native import mypyc_attr
from thywill.http.message import Request
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import HEAD_END, Limits

ENTRIES = 50_000
"""Heads in each generation: one for each browser that a server may have (``max_clients``), since all poll."""
AGE = 60.0
"""Seconds after which a head that was not seen again is dropped; a browser polls every 25 s."""
DIGEST = 15
"""Bytes of a digest: 120 bits. An object of 16 bytes would take more memory than one of 15."""
LONGEST_SHARED = 300
"""Bytes that Host and Origin of a cached head may have together, since they are stored in full. A browser
needs a third of that; without the limit an attacker's heads of 8 KB could fill 850 MB."""
KEY = 32
LINE = re.compile(rb"POST ((/[\w/-]*)(?:\?[\w=&.%-]*)?) HTTP/1\.1\r\n")
"""A request line that needs no parser; the groups are the target and its path."""
LENGTH = b"\r\nContent-Length: "
LONGEST = 8 * 1024
"""Bytes of the longest request that is looked up: the digest of a longer one costs as much as parsing it."""
NEVER = (b"\ntransfer-encoding:", b"\nexpect:", b"\nupgrade:")
"""A request with one of these headers is always parsed."""


class CachedHead:
    """A cached head: the request that it stands for.

    Args:
        request: the request without its target and its body.
        browser: the browser's address as the proxy named it; empty if the head names none.
        proxy: the proxy's address; empty if the head names no browser.
    """

    __slots__ = ("browser", "proxy", "request")

    def __init__(self, request: Request, browser: str, proxy: str) -> None:
        self.request = request
        self.browser = browser
        self.proxy = proxy


@mypyc_attr(allow_interpreted_subclasses=True)
class Heads:
    """The cache of one server.

    There are two generations. A head that is found in the older one moves to the younger. When the younger is
    full, or ``AGE`` has passed, it becomes the older one, and the rest of the older one is dropped. So heads
    that repeat stay, and the others go.

    Args:
        limits: the limits of a request.
        proxies: the proxies that may name a browser's address.
        entries: how many heads a generation holds.
    """

    def __init__(self, limits: Limits, proxies: TrustedProxies, entries: int = ENTRIES) -> None:
        self._largest_body = min(limits.small_body, limits.body)
        self._largest_head = min(limits.header, LONGEST)
        self._proxies = proxies
        self._entries = entries
        self._key = os.urandom(KEY)
        self._young: dict[bytes, CachedHead] = {}
        self._old: dict[bytes, CachedHead] = {}
        self._shared: dict[tuple[object, ...], CachedHead] = {}
        self._missed = b""
        self._due = 0.0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, data: bytes, peer: str, *, trusted: bool) -> Request | None:
        """Return the request in ``data`` if its head is cached, or None if it has to be parsed.

        Args:
            data: everything that has arrived since the last request.
            peer: the address of the connection's other end.
            trusted: whether the connection may name a browser's address, as for ``keep``.
        """
        self._missed = b""
        line = LINE.match(data)
        if line is None:
            return None
        # From the end, which is nearer. If the body holds an empty line, this is no head and is not found.
        end = data.rfind(HEAD_END) + len(HEAD_END)
        text = self._repeated(data, line.end(), end)
        if not text:
            return None
        digest = hashlib.sha256(self._key + text).digest()[:DIGEST]
        cached = self._young.get(digest) or self._revive(digest)
        if cached is None or (cached.proxy and not (trusted and cached.proxy == peer)):
            self._missed = digest
            return None
        # copy.copy would take three times as long.
        request: Request = cached.request.__copy__()  # type: ignore[attr-defined]
        request.target, request.path = line.groups()
        request.head = data[:end]
        request.body = data[end:]
        request.peer = cached.browser or peer
        return request

    def _repeated(self, data: bytes, begin: int, end: int) -> bytes:
        """Return the headers without the number of the length; nothing if they have to be parsed.

        Args:
            data: the request.
            begin: where its headers begin.
            end: where its body begins.
        """
        size = len(data) - end
        if end > self._largest_head or size > self._largest_body:
            return b""
        name = data.find(LENGTH, begin - 2, end)
        if name < 0:
            return b"" if size else data[begin:end]
        number = name + len(LENGTH)
        after = data.find(b"\r\n", number, end)
        return data[begin:number] + data[after:end] if data[number:after] == b"%d" % size else b""

    def _revive(self, digest: bytes) -> CachedHead | None:
        cached = self._old.pop(digest, None)
        if cached is not None:
            self._put(digest, cached)
        return cached

    def _put(self, digest: bytes, cached: CachedHead) -> None:
        if len(self._young) >= self._entries:
            self._start_generation()
        self._young[digest] = cached

    def _start_generation(self) -> None:
        self._old, self._young, self._shared = self._young, {}, {}

    def age(self, now: float) -> None:
        """Drop heads that were not seen again; called every second with the time of the loop's clock."""
        if now >= self._due:
            self._due = now + AGE
            self._start_generation()

    def keep(self, data: bytes, request: Request, peer: str, *, trusted: bool) -> None:
        """Cache the head of a parsed request if that is allowed.

        Args:
            data: the bytes that ``find`` was just asked for; the parser made exactly one request of them.
            request: that request.
            peer: the address of the connection's other end.
            trusted: whether ``peer`` is a trusted proxy.
        """
        digest = self._missed
        if not digest:
            return
        # The digest covers everything up to the last empty line, so that one has to end the head.
        end = data.find(HEAD_END) + len(HEAD_END)
        is_whole = data.rfind(HEAD_END) + len(HEAD_END) == end == len(data) - len(request.body)
        if not is_whole or not self._may_keep(data[:end], request):
            return
        copied: Request = request.__copy__()  # type: ignore[attr-defined]
        copied.peer = peer
        if request.forwarded:
            if trusted:
                self._proxies.resolve(copied)
            if copied.peer == peer:
                return  # the header is not believed: parsed each time, so that the warning is logged
        self._put(digest, self._cached(copied, peer))

    def _may_keep(self, head: bytes, request: Request) -> bool:
        lower = head.lower()
        return (
            request.keep_alive
            and not request.expects
            and len(request.host or b"") + len(request.origin or b"") <= LONGEST_SHARED
            and not any(name in lower for name in NEVER)
            and lower.count(b"\ncontent-length:") == head.count(LENGTH) <= 1
            # So the parser and ``read_fields``, by which a cached request reads its headers, agree.
            and head == _written(request)
        )

    def _cached(self, request: Request, peer: str) -> CachedHead:
        parts = (request.host, request.origin, request.scheme, request.forwarded)
        browser, request.peer, request.fields = request.peer, "", None
        request.target = request.path = request.body = b""
        shared = self._shared.get(parts)
        if shared is None:
            shared = self._shared[parts] = CachedHead(request, "", "")
        return CachedHead(shared.request, browser, peer) if request.forwarded else shared


def _written(request: Request) -> bytes:
    """Return the head of ``request`` as nearly all browsers write it."""
    lines = [name + b": " + value for name, value in request.headers]
    return b"POST %b HTTP/1.1\r\n%b\r\n\r\n" % (request.target, b"\r\n".join(lines))
