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

The cache holds a digest of each head, so a browser costs some 0.2 KB. The digest is Python's own hash of the
head and of a random key of the process: SipHash, which nobody can predict without the key. It has 64 bits, so
a new head is taken for one of 50,000 others once in 10^14 times. Cached requests are shared by browsers whose
heads differ only in cookies and other headers that no request needs.

A trusted proxy's X-Forwarded-For is believed, and the same bytes from anybody else are not. So the digest has
another key for heads that trusted proxies send: these are never found for others, nor the other way round.

Nearly all requests on a connection have their parts at the same places. So the places of the last request
are tried first: to search for them would take longer than the digest. Wrong places do no harm, since then the
digest is that of another text. ``Request.places`` is one number of two parts, and 0 if it is not known:

    POST /thywill/poll HTTP/1.1 … Content-Length: 96 … {"token":…
                               ╰─ a ─╯                              the low 16 bits: a
                               ╰─ a ─╯╰── length ──╯╰ b ╯            the others: a + b, in bytes
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import Final

from thywill.core.native import mypyc_attr
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import HEAD_END, Limits
from thywill.http.request import OriginVerdict, Request

ENTRIES = 50_000
"""Heads in each generation: one for each browser that a server may have (``max_clients``), since all poll."""
AGE = 60.0
"""Seconds after which a head that was not seen again is dropped; a browser polls every 25 s."""
LONGEST_SHARED = 300
"""Bytes that Host and Origin of a cached head may have together, since they are stored in full. A browser
needs a third of that; without the limit an attacker's heads of 8 KB could fill 850 MB."""
KEY = 32
IS_KEYED = sys.hash_info.algorithm.startswith("siphash")
"""Whether Python's hash of bytes can be used: a Python may be built with one that can be predicted."""
LINE_END: Final = b"\r\n"
LINE: Final = re.compile(rb"POST ((/[\w/-]*)(?:\?[\w=&.%-]*)?) HTTP/1\.1\r\n")
"""A request line that needs no parser; the groups are the target and its path."""
LENGTH: Final = b"\r\nContent-Length: "
BEFORE_NUMBER: Final = len(LENGTH)
NUMBERS = 4 * 1024
"""How many of the lines with a length are kept: ``small_body`` may be large."""
PLACE_BITS: Final = 16
"""The bits of each part of ``Request.places``: more than ``LONGEST`` needs."""
PLACE: Final = 2**PLACE_BITS - 1
LONGEST = 8 * 1024
"""Bytes of the longest request that is looked up: the digest of a longer one costs as much as parsing it."""
NEVER = (b"\ntransfer-encoding:", b"\nexpect:", b"\nupgrade:")
"""A request with one of these headers is always parsed."""


class CachedHead:
    """A cached head: the request that it stands for.

    Args:
        request: the request without its target and its body.
        browser: the browser's address as a trusted proxy named it; empty if none did.
    """

    __slots__ = ("browser", "request")

    def __init__(self, request: Request, browser: str) -> None:
        self.request = request
        self.browser = browser


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
        paths: paths that are asked for most, whose request lines are known without a regular expression.
    """

    def __init__(
        self,
        limits: Limits,
        proxies: TrustedProxies,
        entries: int = ENTRIES,
        paths: Iterable[bytes] = (),
    ) -> None:
        self._largest_body = min(limits.small_body, limits.body)
        self._largest_head = min(limits.header, LONGEST) if IS_KEYED else 0
        self._paths = {b"POST %b HTTP/1.1" % path: path for path in paths}
        self._numbers: dict[int, bytes] = {}
        self._last_size, self._last_number = -1, b""
        self._proxies = proxies
        self._entries = entries
        self._key, self._trusted_key = os.urandom(KEY), os.urandom(KEY)
        self._young: dict[int, CachedHead] = {}
        self._old: dict[int, CachedHead] = {}
        self._shared: dict[tuple[object, ...], CachedHead] = {}
        # The last request line that is in ``_paths``, its length and its path. In a broadcast it is the same
        # for each poll, and a comparison takes a third of the time of a look-up.
        self._line = 0
        self._known_line = self._known_path = b""
        self._due = 0.0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, data: bytes, peer: str, places: int = 0, *, trusted: bool) -> Request | None:
        """Return the request in ``data`` if its head is cached, or None if it has to be parsed.

        Args:
            data: everything that has arrived since the last request.
            peer: the address of the connection's other end.
            places: those of the last request of the connection, to be tried first.
            trusted: whether the connection may name a browser's address, as for ``keep``.
        """
        line = self._line
        target = path = self._known_path
        if not path or data[:line] != self._known_line:
            line, target, path = self._read_line(data)
            if not path:
                return None
        key = self._trusted_key if trusted else self._key
        cached: CachedHead | None = None
        end = 0
        if places:
            size = _size_before(len(data) - line - (places >> PLACE_BITS))
            end = len(data) - size
            if 0 <= size <= self._largest_body and end <= self._largest_head:
                begin, number = line + (places & PLACE), self._number(size)
                # A compiled slice fails where it would end before it begins.
                if begin + len(number) < end and data[begin : begin + len(number)] == number:
                    cached = self._look_up(_text(key, data, line, begin, len(number), end))
        if cached is None:
            places, end, text = self._search(key, data, line)
            if (cached := self._look_up(text)) is None:
                return None
        request = _copied(cached.request)
        request.target = target
        request.path = path
        request.head = data[:end]
        request.body = data[end:]
        request.places = places
        request.peer = cached.browser or peer
        if request.forwarded and not trusted:
            self._proxies.warn_untrusted(request)
        return request

    def _read_line(self, data: bytes) -> tuple[int, bytes, bytes]:
        """Return where the request line ends, its target and its path; no path if it has to be parsed."""
        line = data.find(LINE_END)
        if line < 0:
            return 0, b"", b""
        known = self._paths.get(data[:line])
        if known is not None:
            self._line, self._known_line, self._known_path = line, data[:line], known
            return line, known, known
        match = LINE.match(data)
        return (line, match[1], match[2]) if match is not None else (0, b"", b"")

    def _search(self, key: bytes, data: bytes, line: int) -> tuple[int, int, bytes]:
        """Search for the parts of a head.

        Args:
            key: what the text of the digest begins with.
            data: the request.
            line: where its request line ends.

        Returns:
            its places (0 if no line has a length), where it ends, and the text of the digest: nothing if the
            request has to be parsed.
        """
        # From the end, which is nearer. If the body holds an empty line, this is no head and is not found.
        end = data.rfind(HEAD_END) + len(HEAD_END)
        size = len(data) - end
        if end > self._largest_head or size > self._largest_body:
            return 0, 0, b""
        number = self._number(size)
        begin = data.find(number, line, end)
        if begin >= 0:
            places = (end - line - len(number)) << PLACE_BITS | begin - line
            return places, end, _text(key, data, line, begin, len(number), end)
        if size or data.find(LENGTH, line, end) >= 0:
            return 0, 0, b""
        return 0, end, key + data[line:end]

    def _number(self, size: int) -> bytes:
        """Return the header line of the length of a body of ``size`` bytes."""
        if size == self._last_size:  # as for most polls of a broadcast: without a look-up
            return self._last_number
        number = self._numbers.get(size)
        if number is None:
            number = b"%b%d\r\n" % (LENGTH, size)
            if len(self._numbers) < NUMBERS:
                self._numbers[size] = number
        self._last_size, self._last_number = size, number
        return number

    def _look_up(self, text: bytes) -> CachedHead | None:
        digest = hash(text)
        cached = self._young.get(digest)
        if cached is None and (cached := self._old.pop(digest, None)) is not None:
            self._put(digest, cached)
        return cached

    def _put(self, digest: int, cached: CachedHead) -> None:
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
            data: the bytes of the request, of which the parser made this one and nothing else.
            request: that request.
            peer: the address of the connection's other end.
            trusted: whether the connection may name a browser's address.
        """
        line = LINE.match(data)
        if line is None:
            return
        key = self._trusted_key if trusted else self._key
        _, end, text = self._search(key, data, line.end() - len(LINE_END))
        # The text goes up to the last empty line, so that one has to end the head.
        is_whole = data.find(HEAD_END) + len(HEAD_END) == end == len(data) - len(request.body)
        if not text or not is_whole or not self._may_keep(data[:end], request):
            return
        kept = _copied(request)
        kept.fields, kept.peer = request.fields, peer
        browser = self._proxies.resolve(kept) if trusted and request.forwarded else ""
        if browser is not None:
            self._put(hash(text), self._cached(kept, browser))

    def _may_keep(self, head: bytes, request: Request) -> bool:
        lower = head.lower()
        for name in NEVER:  # compiled, a loop takes a quarter of the time of ``any``
            if name in lower:
                return False
        return (
            request.keep_alive
            and not request.expects
            and len(request.host or b"") + len(request.origin or b"") <= LONGEST_SHARED
            and lower.count(b"\ncontent-length:") == head.count(LENGTH) <= 1
            # So the parser and ``read_fields``, by which a cached request reads its headers, agree.
            and head == _written(request)
        )

    def _cached(self, request: Request, browser: str) -> CachedHead:
        parts = (request.host, request.origin, request.scheme, request.forwarded)
        request.peer, request.fields = "", None
        shared = self._shared.get(parts)
        if shared is None:
            request.verdict = OriginVerdict()
            shared = self._shared[parts] = CachedHead(request, "")
        return CachedHead(shared.request, browser) if browser else shared


def _text(key: bytes, data: bytes, line: int, begin: int, length: int, end: int) -> bytes:
    """Return the key, and the headers without the number in the line of ``length`` bytes at ``begin``."""
    return key + data[line : begin + BEFORE_NUMBER] + data[begin + length - len(LINE_END) : end]


def _size_before(rest: int) -> int:
    """Return the size of a body if it and the line with its length have ``rest`` bytes together."""
    rest -= BEFORE_NUMBER + len(LINE_END)
    digits, power = 1, 10
    while rest >= power + digits:
        digits += 1
        power *= 10
    return rest - digits


def _written(request: Request) -> bytes:
    """Return the head of ``request`` as nearly all browsers write it."""
    lines = [name + b": " + value for name, value in request.headers]
    return b"POST %b HTTP/1.1\r\n%b\r\n\r\n" % (request.target, b"\r\n".join(lines))


def _copied(request: Request) -> Request:
    """Return a copy without the target, the headers, the body, the places and the browser's address."""
    copy = Request()
    copy.method = request.method
    copy.version = request.version
    copy.host = request.host
    copy.origin = request.origin
    copy.scheme = request.scheme
    copy.keep_alive = request.keep_alive
    copy.expects = request.expects
    copy.forwarded = request.forwarded
    copy.verdict = request.verdict
    return copy
