"""A proxy that passes the beginning of a stream on at once, and then only whole blocks."""

from __future__ import annotations

import socket
import threading

from tests.support.proxy import CHUNK, Handler, Proxy, pump, shut

BLOCK = 4096
STREAMS = (b"xhr_streaming", b"eventsource", b"htmlfile")


class BlockProxy(Proxy):
    """Passes everything on; of a stream it holds back the part that does not fill a block."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.RequestHandlerClass = Blocks


class Blocks(Handler):
    """One connection."""

    def handle(self) -> None:
        browser = self.request
        self.streams = threading.Event()
        with (
            socket.create_connection(self.server.target) as upstream,
            self.server.cuttable(browser, upstream),
        ):
            back = threading.Thread(target=self.hold_back, args=(upstream, browser))
            back.start()
            pump(Watched(browser, self.streams), upstream)  # type: ignore[arg-type]
            back.join()

    def hold_back(self, upstream: socket.socket, browser: socket.socket) -> None:
        held = b""
        passed = 0
        try:
            while data := upstream.recv(CHUNK):
                if not self.streams.is_set():
                    browser.sendall(data)
                    continue
                held += data
                size = len(held) if passed < BLOCK else len(held) // BLOCK * BLOCK
                browser.sendall(held[:size])
                passed += size
                held = held[size:]
        except OSError:
            pass  # cut, or gone by itself
        finally:
            shut(upstream)
            shut(browser)


class Watched:
    """A socket whose requests for streams are noticed."""

    def __init__(self, browser: socket.socket, streams: threading.Event) -> None:
        self._browser = browser
        self._streams = streams
        self.shutdown = browser.shutdown

    def recv(self, size: int) -> bytes:
        """Return what the browser sends."""
        data = self._browser.recv(size)
        if any(name in data for name in STREAMS):
            self._streams.set()
        return data
