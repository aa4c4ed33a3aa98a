"""The SockJS transports: how each of them carries frames to the browser."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from thywill.push.sockjs import frames
from thywill.push.sockjs.headers import JAVASCRIPT

PRELUDE = b"h" * 2048 + b"\n"
HTMLFILE = b"""<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.%b;
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>"""

Wrap = Callable[[bytes], bytes]
"""Returns a frame in the transport's form."""


class Transport:
    """``xhr``: an XMLHttpRequest or XDomainRequest for each frame. Other transports override what differs."""

    name = "xhr"
    method = b"POST"
    content_type = JAVASCRIPT

    streams = False
    """Whether one answer carries many frames."""

    calls = False
    """Whether each frame is a call of a function that the page names in the query."""

    framed = False
    """Whether the answer is a page that the browser shows in a frame."""

    def prelude(self, callback: bytes) -> bytes:
        """Return the first bytes of a stream: some browsers pass nothing on before they have read so many."""
        return PRELUDE

    def wrap(self, callback: bytes) -> Wrap:
        """Return the function that wraps a frame for this transport."""
        return _line


class XhrStreaming(Transport):
    """``xhr_streaming``: an XMLHttpRequest that is read as it arrives."""

    name = "xhr_streaming"
    streams = True


class EventSource(Transport):
    """``eventsource``: server-sent events."""

    name = "eventsource"
    method = b"GET"
    content_type = "text/event-stream"
    streams = True

    def prelude(self, callback: bytes) -> bytes:
        return b"\r\n"

    def wrap(self, callback: bytes) -> Wrap:
        return _event


class HtmlFile(Transport):
    """``htmlfile``: an endless page in a hidden iframe; each SockJS frame is a script in it."""

    name = "htmlfile"
    method = b"GET"
    content_type = "text/html; charset=UTF-8"
    streams = calls = framed = True

    def prelude(self, callback: bytes) -> bytes:
        # Internet Explorer runs no script of a page before it has read 1 KB.
        return (HTMLFILE % callback).ljust(1024 + 14) + b"\r\n\r\n"

    def wrap(self, callback: bytes) -> Wrap:
        return _script


class JsonpPolling(Transport):
    """``jsonp``: a script tag for each frame."""

    name = "jsonp"
    method = b"GET"
    calls = True

    def wrap(self, callback: bytes) -> Wrap:
        return partial(_call, callback)


TRANSPORTS = (Transport(), XhrStreaming(), EventSource(), HtmlFile(), JsonpPolling())


def _line(frame: bytes) -> bytes:
    return frame + b"\n"


def _event(frame: bytes) -> bytes:
    return b"data: %b\r\n\r\n" % frame


def _script(frame: bytes) -> bytes:
    # "</script>" in a message would end this script, and the sender could begin one of their own.
    return b"<script>\np(%b);\n</script>\r\n" % frames.quote(frame).replace(b"<", b"\\u003c")


def _call(callback: bytes, frame: bytes) -> bytes:
    # The comment keeps a callback's name from passing as the first bytes of another file format.
    return b"/**/%b(%b);\r\n" % (callback, frames.quote(frame))
