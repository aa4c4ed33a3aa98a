"""The requests that bring a browser's messages: what is in them, and what they are answered."""

from __future__ import annotations

from urllib.parse import parse_qsl

from thywill.http.message import Request
from thywill.push.sockjs import frames

FORM = b"application/x-www-form-urlencoded"


class Sender:
    """``xhr_send``: an array of messages."""

    name = "xhr_send"
    method = b"POST"
    status, answer = 204, b""

    def payload(self, request: Request) -> bytes:
        """Return the array.

        Raises:
            BadInput: it cannot be read.
        """
        return request.body


class JsonpSend(Sender):
    """``jsonp_send``: the same, as it is or in the field ``d`` of a form."""

    name = "jsonp_send"
    status, answer = 200, b"ok"  # Konqueror stumbles over an empty answer (the protocol's reason)

    def payload(self, request: Request) -> bytes:
        kind = (request.header(b"content-type") or b"").partition(b";")[0].strip().lower()
        if kind != FORM:
            return request.body
        try:
            fields = parse_qsl(request.body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            raise frames.BadInput("Broken JSON encoding.") from None
        return dict[str, str](fields).get("d", "").encode()


SENDERS = (Sender(), JsonpSend())
