"""The kinds of requests that bring a browser's messages: how their bodies are read, and what is answered."""

from __future__ import annotations

import sys

from thywill.http.request import Request
from thywill.push.sockjs import frames

FORM = b"application/x-www-form-urlencoded"
FIELDS = 20
"""How many fields a form may have, as for a query (``thywill.http.message.MAX_FIELDS``)."""


class Sender:
    """``xhr_send``: an array of messages."""

    name = "xhr_send"
    method = b"POST"
    status, answer = 204, b""

    largest = sys.maxsize
    """Bytes that a body may have, even if the session allows more."""

    def payload(self, request: Request) -> bytes:
        """Return the JSON array of messages.

        Raises:
            BadInput: the body cannot be read.
        """
        return request.body


class JsonpSend(Sender):
    """``jsonp_send``: an array of messages, as the body or in the field ``d`` of a form."""

    name = "jsonp_send"
    largest = 384 * 1024  # a message of 64 KB, percent-encoded: to decode a megabyte takes 40 ms
    status, answer = 200, b"ok"  # Konqueror stumbles over an empty answer (the protocol's reason)

    def payload(self, request: Request) -> bytes:
        kind = (request.header(b"content-type") or b"").partition(b";")[0].strip().lower()
        if kind != FORM:
            return request.body
        return field_of(request.body, b"d")


def field_of(form: bytes, name: bytes) -> bytes:
    """Return the value of the last field called ``name`` in a form, or an empty value.

    This takes time proportional to the form, at C's speed. ``urllib.parse.parse_qsl`` takes 2 s for a
    megabyte of ``a=&a=&``, ``unquote`` 0.7 s for one of ``%5B``, and anyone can send them.

    Args:
        form: a body of the type ``application/x-www-form-urlencoded``.
        name: as a browser writes it, without a percent sign.

    Raises:
        BadInput: the form has too many fields, or a percent sign that begins no byte.
    """
    fields = form.split(b"&", FIELDS)
    if len(fields) > FIELDS:
        raise frames.BadInput(f"a form may have {FIELDS} fields")
    values = [value for key, _, value in (field.partition(b"=") for field in fields) if key == name]
    return _unquote(values[-1]) if values else b""


def _unquote(value: bytes) -> bytes:
    # The codec reads \\x5B at C's speed. The value's own backslashes are escaped first, so they stay.
    escaped = value.replace(b"+", b" ").replace(b"\\", rb"\x5c").replace(b"%", rb"\x")
    try:
        return escaped.decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:
        raise frames.BadInput("Broken JSON encoding.") from None


SENDERS = (Sender(), JsonpSend())
