"""The requests that carry a browser's messages."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from thywill.components.push.sockjs import frames
from thywill.components.push.sockjs.handlers import TEXT, Polite
from thywill.components.push.sockjs.library import JSONPSendHandler, XhrSendHandler

FORM = "application/x-www-form-urlencoded"


class Sending(Polite):
    """A request whose body holds an array of messages."""

    def receive(self: Any, session_id: str) -> None:
        """Hand the messages to the session, or answer what is wrong with them."""
        self.preflight()
        self.handle_session_cookie()
        self.disable_cache()
        session = self.server.get_session(session_id)
        if session is None or session.is_closed:
            self.complain(404, "", "no such session")
            return
        try:
            messages = frames.read_messages(self.payload())
        except frames.BadBody as error:
            self.complain(500, str(error))
            return
        session.on_messages(messages)
        self.set_header("Content-Type", TEXT)
        self.accept()

    def payload(self: Any) -> bytes:
        """Return the array of messages as it was sent."""
        return bytes(self.request.body)

    def accept(self) -> None:
        """Answer that the messages have arrived."""
        raise NotImplementedError


class XhrSend(Sending, XhrSendHandler):  # type: ignore[misc]
    """``xhr_send``."""

    post = Sending.receive

    def accept(self) -> None:
        self.set_status(204)
        # Flushed before the end, where Tornado would take the content type away: Firefox takes a body
        # without one for XML and complains (the protocol's reason).
        self.flush()


class JsonpSend(Sending, JSONPSendHandler):  # type: ignore[misc]
    """``jsonp_send``: a form."""

    post = Sending.receive

    def payload(self: Any) -> bytes:
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != FORM:
            return bytes(self.request.body)
        try:
            fields = parse_qsl(self.request.body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            raise frames.BadBody("Broken JSON encoding.") from None
        return dict[str, str](fields).get("d", "").encode()

    def accept(self) -> None:
        self.finish("ok")  # Konqueror stumbles over an empty answer (the protocol's reason)
