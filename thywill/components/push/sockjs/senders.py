"""``jsonp_send``: a form that carries a browser's messages."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from thywill.components.push.sockjs import frames
from thywill.components.push.sockjs.handlers import TEXT, Polite
from thywill.components.push.sockjs.library import JSONPSendHandler
from thywill.errors import NotFound

FORM = "application/x-www-form-urlencoded"


class JsonpSend(Polite, JSONPSendHandler):  # type: ignore[misc]
    """A request whose body holds an array of messages, as it is or in the field ``d`` of a form."""

    def post(self, session_id: str) -> None:
        self.preflight()
        self.handle_session_cookie()
        self.disable_cache()
        session = self.server.get_session(session_id)
        if session is None or session.is_closed:
            self.refuse(NotFound("there is no such session"))
            return
        try:
            messages = frames.read_messages(self._payload())
        except frames.BadBody as error:
            self.complain(str(error))
            return
        session.on_messages(messages)
        self.set_header("Content-Type", TEXT)
        self.finish("ok")  # Konqueror stumbles over an empty answer (the protocol's reason)

    def _payload(self: Any) -> bytes:
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != FORM:
            return bytes(self.request.body)
        try:
            fields = parse_qsl(self.request.body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            raise frames.BadBody("Broken JSON encoding.") from None
        return dict[str, str](fields).get("d", "").encode()
