"""The table of heads: a head that was read before is not parsed again.

A browser repeats the head of its requests byte for byte until the length of the body changes. To parse it
takes ten times as long as to find it here, and was the largest part of a poll. An example:

    POST /thywill/poll … Content-Length: 96 … {"token":…     not known: parsed, accepted, noted
    POST /thywill/poll … Content-Length: 96 … {"token":…     noted: parsed, accepted, kept
    POST /thywill/poll … Content-Length: 96 … {"token":…     kept: its request with another body
    POST /thywill/poll … Content-Length: 97 … {"token":…     another head: parsed

Most heads that do not come again never come a second time, such as those of messages of all lengths, and to
keep one takes as long as to parse it.

This must be exactly as strict as the parser. So only a head is kept that the parser has accepted and that
began and ended with what arrived, by itself; and it is found only for all bytes of a whole request, which
arrived by themselves between two requests. Nothing is kept of a request that is chunked, expects, offers to
upgrade, is its connection's last, or has more than a small body. All else is always parsed.

The head itself is not kept, but a digest of it, with a key that is random in each process: a browser costs
some 0.2 KB. What it stands for is shared by all whose requests differ in nothing but their cookies.
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
"""Of each generation: for as many browsers as a server has (``max_clients``), since each of them polls."""
AGE = 60.0
"""Seconds after which heads are forgotten that were not seen again; a browser polls every 25 s."""
DIGEST = 15
"""Bytes of a digest: 120 bits, since an object of 16 bytes takes more memory than one of 15."""
LONGEST_SHARED = 300
"""Bytes of the target, Host and Origin of a head that is kept, together, since these are held in full. A
browser needs a third of that; whoever sends heads of 8 KB that all differ would otherwise fill 850 MB."""
KEY = 32
METHOD = b"POST "
LONGEST = 8 * 1024
"""Bytes of a request that is looked for; the digest of a longer one would cost as much as to parse it."""
NEVER = frozenset((b"transfer-encoding", b"expect", b"upgrade"))
"""Headers whose requests are always parsed."""


class Known:
    """What a head came to.

    Args:
        request: the request without its body.
        length: bytes of its body.
        browser, proxy: the browser's address that the ``proxy`` at the other end of the connection has named;
            both are empty for a head that names none.
    """

    __slots__ = ("browser", "length", "proxy", "request")

    def __init__(self, request: Request, length: int, browser: str, proxy: str) -> None:
        self.request = request
        self.length = length
        self.browser = browser
        self.proxy = proxy


ONCE = Known(Request(), -1, "", "")
"""Stands for a head that has come once: no body has that length, so it is not found."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Heads:
    """The heads of one server.

    There are two generations. What is found in the older one moves to the younger; when the younger is full,
    or ``AGE`` has passed, it becomes the older, and what is left of that is forgotten. So the heads that come
    again stay, and those of requests that come once go.

    Args:
        limits: what a request may have.
        proxies: whose word about the browser's address is believed.
        paths: the paths whose heads are kept: those that a browser asks for again and again.
        entries: how many heads a generation has.
    """

    def __init__(
        self, limits: Limits, proxies: TrustedProxies, paths: Iterable[bytes], entries: int = ENTRIES
    ) -> None:
        self._largest_body = min(limits.small_body, limits.body)
        self._proxies = proxies
        self._paths = frozenset(paths)
        # Most other requests are not even looked for: a digest costs a tenth of a connect.
        self._begins = tuple(METHOD + path for path in self._paths)
        self._entries = entries
        self._key = os.urandom(KEY)
        self._young: dict[bytes, Known] = {}
        self._old: dict[bytes, Known] = {}
        self._alike: dict[tuple[object, ...], Known] = {}
        self._missed = b""
        self._due = 0.0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, data: bytes, peer: str) -> Request | None:
        """Return the request that ``data`` is, or None where it has to be parsed.

        Args:
            data: all that has arrived since the request before.
            peer: the address of the connection's other end.
        """
        self._missed = b""
        if len(data) > LONGEST or not data.startswith(self._begins):
            return None
        # From the end, which is nearer. Where the body holds an empty line this is no head, and not found.
        end = data.rfind(HEAD_END) + len(HEAD_END)
        head = data[:end]
        digest = hashlib.sha256(self._key + head).digest()[:DIGEST]
        known = self._young.get(digest) or self._revive(digest)
        if known is None or known.length != len(data) - end or (known.proxy and known.proxy != peer):
            self._missed = digest
            return None
        # copy.copy would take three times as long.
        request: Request = known.request.__copy__()  # type: ignore[attr-defined]
        request.head = head
        request.body = data[end:]
        request.peer = known.browser or peer
        return request

    def _revive(self, digest: bytes) -> Known | None:
        known = self._old.pop(digest, None)
        if known is not None:
            self._put(digest, known)
        return known

    def _put(self, digest: bytes, known: Known) -> None:
        if len(self._young) >= self._entries:
            self._turn()
        self._young[digest] = known

    def _turn(self) -> None:
        self._old, self._young, self._alike = self._young, {}, {}

    def age(self, now: float) -> None:
        """Forget what was not seen again; called every second with the time of the loop's clock."""
        if now >= self._due:
            self._due = now + AGE
            self._turn()

    def keep(self, data: bytes, request: Request, peer: str, *, trusted: bool) -> None:
        """Keep the head of a request that was parsed, if it may be and has come before.

        Args:
            data: what was just looked for, of which the parser, between two requests, has made one request.
            request: that request.
            peer: the address of the connection's other end.
            trusted: whether that is a trusted proxy.
        """
        digest = self._missed
        if not digest or request.path not in self._paths:
            return
        if self._young.get(digest) is ONCE:
            self._keep(digest, data, request, peer, trusted=trusted)
        else:
            self._put(digest, ONCE)

    def _keep(self, digest: bytes, data: bytes, request: Request, peer: str, *, trusted: bool) -> None:
        # The digest is of all up to the last empty line, which has to be the head's.
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
                return  # nobody is believed, which is logged for each
        self._put(digest, self._known(copied, len(request.body), peer))

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
            # Of a known head they are read when somebody asks for them.
            and fields == read_fields(head)
        )

    def _known(self, request: Request, length: int, peer: str) -> Known:
        parts = (request.target, request.host, request.origin, request.scheme, length, request.forwarded)
        browser, request.peer, request.body, request.fields = request.peer, "", b"", None
        alike = self._alike.get(parts)
        if alike is None:
            alike = self._alike[parts] = Known(request, length, "", "")
        return Known(alike.request, length, browser, peer) if request.forwarded else alike


def _shared_size(request: Request) -> int:
    return len(request.target) + len(request.host or b"") + len(request.origin or b"")
