"""The cache of request heads: a head that was parsed before is not parsed again.

A browser repeats the head of its requests byte for byte until the length of the body changes. Parsing takes
ten times as long as a look-up here, and was the largest part of a poll. An example:

    POST /thywill/poll … Content-Length: 96 … {"token":…     new: parsed, and its digest is marked as seen
    POST /thywill/poll … Content-Length: 96 … {"token":…     seen once: parsed, and cached
    POST /thywill/poll … Content-Length: 96 … {"token":…     cached: a copy of the request gets this body
    POST /thywill/poll … Content-Length: 97 … {"token":…     another head, so new: parsed

A head is cached only at its second appearance, because caching takes as long as parsing and many heads never
come again, such as those of messages of all lengths.

The cache must be exactly as strict as the parser. So it holds only heads that the parser has accepted and
that arrived between two requests, as one piece with the body and nothing else; and it is asked only for such
pieces. A request that is chunked, has an Expect or Upgrade header, ends its connection, or has more than a
small body is never cached.

The cache holds a digest of each head, keyed by a random key of the process, so a browser costs some 0.2 KB.
Requests that differ only in their cookies share one cached request.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from copy import copy

from thywill.core.native import mypyc_attr
from thywill.http.message import Request, read_fields
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import HEAD_END, Limits

ENTRIES = 50_000
"""Heads in each generation: one for each browser that a server may have (``max_clients``), since all poll."""
AGE = 60.0
"""Seconds after which a head that was not seen again is dropped; a browser polls every 25 s."""
DIGEST = 15
"""Bytes of a digest: 120 bits. An object of 16 bytes would take more memory than one of 15."""
LONGEST_SHARED = 300
"""Bytes that target, Host and Origin of a cached head may have together, since they are stored in full. A
browser needs a third of that; without the limit an attacker's heads of 8 KB could fill 850 MB."""
KEY = 32
METHOD = b"POST "
LONGEST = 8 * 1024
"""Bytes of the longest request that is looked up: the digest of a longer one costs as much as parsing it."""
NEVER = frozenset((b"transfer-encoding", b"expect", b"upgrade"))
"""A request with one of these headers is always parsed."""


class CachedHead:
    """A cached head: the request that it stands for.

    Args:
        request: the request without its body.
        length: bytes of the body.
        browser: the browser's address as the proxy named it; empty if the head names none.
        proxy: the proxy's address; empty if the head names no browser.
    """

    __slots__ = ("browser", "length", "proxy", "request")

    def __init__(self, request: Request, length: int, browser: str, proxy: str) -> None:
        self.request = request
        self.length = length
        self.browser = browser
        self.proxy = proxy


SEEN_ONCE = CachedHead(Request(), -1, "", "")
"""Marks a head that was seen once. Its length is impossible, so a look-up never matches it."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Heads:
    """The cache of one server.

    There are two generations. A head that is found in the older one moves to the younger. When the younger is
    full, or ``AGE`` has passed, it becomes the older one, and the rest of the older one is dropped. So heads
    that repeat stay, and the others go.

    Args:
        limits: the limits of a request.
        proxies: the proxies that may name a browser's address.
        paths: the paths whose heads are cached: those that a browser asks for again and again.
        entries: how many heads a generation holds.
    """

    def __init__(
        self, limits: Limits, proxies: TrustedProxies, paths: Iterable[bytes], entries: int = ENTRIES
    ) -> None:
        self._largest_body = min(limits.small_body, limits.body)
        self._proxies = proxies
        self._paths = frozenset(paths)
        # Requests for other paths are not looked up: a digest costs a tenth of a connect.
        self._begins = tuple(METHOD + path for path in self._paths)
        self._entries = entries
        self._key = os.urandom(KEY)
        self._young: dict[bytes, CachedHead] = {}
        self._old: dict[bytes, CachedHead] = {}
        self._shared: dict[tuple[object, ...], CachedHead] = {}
        self._missed = b""
        self._due = 0.0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, data: bytes, peer: str) -> Request | None:
        """Return the request in ``data`` if its head is cached, or None if it has to be parsed.

        Args:
            data: everything that has arrived since the last request.
            peer: the address of the connection's other end.
        """
        self._missed = b""
        if len(data) > LONGEST or not data.startswith(self._begins):
            return None
        # From the end, which is nearer. If the body holds an empty line, this is no head and is not found.
        end = data.rfind(HEAD_END) + len(HEAD_END)
        head = data[:end]
        digest = hashlib.sha256(self._key + head).digest()[:DIGEST]
        cached = self._young.get(digest) or self._revive(digest)
        if cached is None or cached.length != len(data) - end or (cached.proxy and cached.proxy != peer):
            self._missed = digest
            return None
        # copy.copy would take three times as long.
        request: Request = cached.request.__copy__()  # type: ignore[attr-defined]
        request.head = head
        request.body = data[end:]
        request.peer = cached.browser or peer
        return request

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
        """Cache the head of a parsed request if that is allowed and the head was seen before.

        Args:
            data: the bytes that ``find`` was just asked for; the parser made exactly one request of them.
            request: that request.
            peer: the address of the connection's other end.
            trusted: whether ``peer`` is a trusted proxy.
        """
        digest = self._missed
        if not digest or request.path not in self._paths:
            return
        if self._young.get(digest) is SEEN_ONCE:
            self._keep(digest, data, request, peer, trusted=trusted)
        else:
            self._put(digest, SEEN_ONCE)

    def _keep(self, digest: bytes, data: bytes, request: Request, peer: str, *, trusted: bool) -> None:
        # The digest covers everything up to the last empty line, so that one has to end the head.
        end = data.find(HEAD_END) + len(HEAD_END)
        is_whole = data.rfind(HEAD_END) + len(HEAD_END) == end == len(data) - len(request.body)
        if not is_whole or not self._may_keep(data[:end], request):
            return
        copied = copy(request)
        copied.peer = peer
        if request.forwarded:
            if trusted:
                self._proxies.resolve(copied)
            if copied.peer == peer:
                return  # the header is not believed: parsed each time, so that the warning is logged
        self._put(digest, self._cached(copied, len(request.body), peer))

    def _may_keep(self, head: bytes, request: Request) -> bool:
        fields = [(name, value.strip()) for name, value in request.headers]
        return (
            head.startswith(METHOD + request.target + b" HTTP/1.1\r\n")
            and request.method == b"POST"
            and request.keep_alive
            and not request.expects
            and len(request.body) <= self._largest_body
            and _shared_size(request) <= LONGEST_SHARED
            and NEVER.isdisjoint(name.lower() for name, _ in fields)
            # A cached request reads its headers by ``read_fields`` when they are asked for.
            and fields == read_fields(head)
        )

    def _cached(self, request: Request, length: int, peer: str) -> CachedHead:
        parts = (request.target, request.host, request.origin, request.scheme, length, request.forwarded)
        browser, request.peer, request.body, request.fields = request.peer, "", b"", None
        shared = self._shared.get(parts)
        if shared is None:
            shared = self._shared[parts] = CachedHead(request, length, "", "")
        return CachedHead(shared.request, length, browser, peer) if request.forwarded else shared


def _shared_size(request: Request) -> int:
    return len(request.target) + len(request.host or b"") + len(request.origin or b"")
