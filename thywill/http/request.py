"""A request of a browser."""

from __future__ import annotations

from urllib.parse import parse_qsl

from thywill.errors import Malformed

MAX_FIELDS = 20

FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto")
"""The headers by which a proxy names the browser's address and scheme."""


class OriginVerdict:
    """Whether the origin of a cached head is another one than ours; None until an endpoint has found out."""

    __slots__ = ("is_other",)

    def __init__(self) -> None:
        self.is_other: bool | None = None


class Request:
    """One whole request. Headers that every request needs have fields of their own.

    Its fields have defaults in the class, since there is one for each request: so only those that differ are
    written.

    ``target`` is the path and the query, ``path`` the target without its query. ``host`` and ``origin`` are
    the values of these headers; ``forwarded`` says whether there is an X-Forwarded-For or X-Forwarded-Proto.
    ``peer`` is the browser's address and ``scheme`` its scheme, as the connection or a trusted proxy reports
    them. ``head`` holds the bytes of the head, and ``fields`` the headers read from it; ``fields`` is None
    until ``headers`` is used. ``places`` and ``verdict`` are set if ``Heads`` has found the head.
    """

    method: bytes = b""
    target: bytes = b""
    path: bytes = b""
    version: str = "1.1"
    fields: list[tuple[bytes, bytes]] | None = None
    head: bytes = b""
    host: bytes | None = None
    origin: bytes | None = None
    body: bytes = b""
    peer: str = ""
    scheme: str = "http"
    keep_alive: bool = True
    expects: bool = False
    forwarded: bool = False
    places: int = 0
    verdict: OriginVerdict | None = None

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as (name, value): names in any case, and values that may end with spaces."""
        if self.fields is None:
            self.fields = read_fields(self.head)
        return self.fields

    @headers.setter
    def headers(self, fields: list[tuple[bytes, bytes]]) -> None:
        self.fields = fields

    def query(self) -> dict[str, str]:
        """Return the fields of the query. If a field is repeated, the last one counts.

        Raises:
            Malformed: the query has more than ``MAX_FIELDS`` fields.
        """
        text = self.target.partition(b"?")[2].decode("latin-1")
        try:
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError:
            raise Malformed(f"the query has more than {MAX_FIELDS} fields") from None

    def header(self, name: bytes) -> bytes | None:
        """Return the value of the first header called ``name`` (in lower case), or None."""
        if self.fields is None:
            return _value_in(self.head, name)
        length = len(name)
        for key, value in self.headers:
            if len(key) == length and key.lower() == name:
                return value.strip()
        return None


def _value_in(head: bytes, name: bytes) -> bytes | None:
    """Return the value of a header of a head that a parser has accepted, without reading the others."""
    begin = head.lower().find(b"\r\n%b:" % name)
    if begin < 0:
        return None
    begin += len(name) + 3
    return head[begin : head.index(b"\r\n", begin)].strip()


def read_fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of a head that the parser has accepted, as (name, value) without outer blanks."""
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    return [(name, value.strip()) for name, _, value in lines]
