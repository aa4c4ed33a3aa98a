"""The requests that wait for frames: an answer for each frame (polling), or one for many (streaming)."""

from __future__ import annotations

from typing import Any

from thywill.components.push.sockjs import frames
from thywill.components.push.sockjs.handlers import JAVASCRIPT, Polite
from thywill.components.push.sockjs.library import (
    ConnectionInfo,
    PollingTransportBase,
    StreamingTransportBase,
)

PRELUDE = b"h" * 2048 + b"\n"
HTMLFILE = """<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.%s;
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>"""


class Waiting(Polite):
    """A request that waits for frames."""

    name = ""
    content_type = JAVASCRIPT

    def admit(self: Any) -> None:
        super().admit()
        self.server.check_room(self.path_kwargs["session_id"])

    def begin(self: Any) -> None:
        """Set the headers of the answer."""
        self._auto_finish = False  # as sockjs-tornado's ``asynchronous`` does: a frame comes later
        self.preflight()
        self.handle_session_cookie()
        self.disable_cache()
        self.set_header("Content-Type", self.content_type)

    @property
    def address(self: Any) -> str:
        """Where the browser is."""
        return self.request.remote_ip or ""

    def get_conn_info(self) -> ConnectionInfo:
        return ConnectionInfo(
            self.address, {}, {}, {}, ""
        )  # a client is its token: of its requests nothing is kept

    def read_callback(self: Any) -> str | None:
        """Return the name of the page's function, or None when the request was refused for want of one."""
        callback = self.get_query_argument("c", "", strip=False)
        if not callback:
            self.complain('"callback" parameter required')
        elif not frames.CALLBACK.fullmatch(callback):
            self.complain('invalid "callback" parameter')
        else:
            return str(callback)
        return None

    def wrap(self, frame: bytes) -> bytes:
        """Return ``frame`` as this transport carries it."""
        return frame + b"\n"

    def on_connection_close(self: Any) -> None:
        session, self.active = self.session, False
        if session is not None:
            self._detach()
            session.interrupt()
        super().on_connection_close()  # type: ignore[misc]


class Polling(Waiting, PollingTransportBase):  # type: ignore[misc]
    """A request that is answered with one frame."""

    def open(self, session_id: str) -> None:
        """Wait for a frame of the session."""
        self.begin()
        self._attach_session(session_id)

    def send_pack(self, message: bytes, binary: bool = False) -> None:
        """Answer with a frame."""
        self.active = False
        self._detach()
        self.finish(self.wrap(message))

    def session_closed(self) -> None:
        """The session has ended, and this request has been told."""


class Streaming(Waiting, StreamingTransportBase):  # type: ignore[misc]
    """A request that is answered with frame after frame, until the limit of a response is reached."""

    def open(self, session_id: str) -> None:
        """Carry the frames of the session."""
        self.begin()
        self.write(self.prelude())
        self.flush()
        self._set_nodelay()
        if not self._attach_session(session_id):
            self.finish()

    def prelude(self) -> bytes:
        """Return what makes browsers begin to read."""
        return PRELUDE

    def send_pack(self, message: bytes, binary: bool = False) -> None:
        """Write a frame; until the browser has read enough the transport is not ``active``."""
        chunk = self.wrap(message)
        self.notify_sent(len(chunk))
        connection = self.request.connection
        waiting = getattr(connection, "write_part", connection.write)(chunk)
        if waiting is not None:
            self.active = False
            waiting.add_done_callback(self.send_complete)
        elif self.should_finish() and self.session is not None:
            self.session_closed()

    def send_complete(self, f: Any = None) -> None:
        """The browser has read enough."""
        if self.session is not None:
            super().send_complete(f)

    def finish(self, chunk: Any = None) -> None:
        super().finish(chunk)
        stream = self._stream()
        if self.request.version == "HTTP/1.0" and stream is not None and not stream.closed():
            # Such an answer ends with its connection, which Tornado's server keeps if it was asked to.
            stream.write(b"").add_done_callback(lambda _: stream.close())

    def _set_nodelay(self) -> None:
        stream = self._stream()
        if stream is not None and not stream.closed():
            stream.set_nodelay(True)

    def _stream(self) -> Any:
        return getattr(self.request.connection, "stream", None)  # Tornado's own server has one


class XhrStreaming(Streaming):
    """``xhr_streaming``: XMLHttpRequest or XDomainRequest, reading as it arrives."""

    name = "xhr_streaming"
    post = Streaming.open


class EventSource(Streaming):
    """``eventsource``: server-sent events."""

    name = "eventsource"
    access_methods = "GET"
    content_type = "text/event-stream"
    get = Streaming.open

    def prelude(self) -> bytes:
        return b"\r\n"

    def wrap(self, frame: bytes) -> bytes:
        return b"data: %b\r\n\r\n" % frame


class HtmlFile(Streaming):
    """``htmlfile``: a page without end in a hidden frame, each frame a script."""

    name = "htmlfile"
    access_methods = "GET"
    content_type = "text/html; charset=UTF-8"

    def get(self, session_id: str) -> None:
        callback = self.read_callback()
        if callback is not None:
            self.callback = callback
            self.embeddable()
            self.open(session_id)

    def prelude(self) -> bytes:
        # Internet Explorer shows nothing of a page before it has 1 KB of it.
        return (HTMLFILE % self.callback).ljust(1024 + 14).encode() + b"\r\n\r\n"

    def wrap(self, frame: bytes) -> bytes:
        # "</script>" in a message would end the script, and begin the sender's own.
        safe = frames.quote(frame).replace(b"<", b"\\u003c")
        return b"<script>\np(%b);\n</script>\r\n" % safe


class Jsonp(Polling):
    """``jsonp``: script tags, a request for each frame."""

    name = "jsonp"
    access_methods = "GET"

    def get(self, session_id: str) -> None:
        callback = self.read_callback()
        if callback is not None:
            self.callback = callback.encode()
            self.open(session_id)

    def wrap(self, frame: bytes) -> bytes:
        # The comment keeps other formats from being smuggled through the callback's name.
        return b"/**/%b(%b);\r\n" % (self.callback, frames.quote(frame))
