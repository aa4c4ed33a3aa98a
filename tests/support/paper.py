"""Fakes around a SockJS session: its keeper and its reply record all calls."""

from __future__ import annotations

from thywill.push.sockjs.replies import FrameReply, Source
from thywill.push.sockjs.session import Session

HOLD, PAUSE = 25.0, 5.0


class Book:
    """A keeper, and the account of what a session does."""

    hold, pause = HOLD, PAUSE

    def __init__(self) -> None:
        self.account: list[object] = []

    def schedule(self, session: Session, seconds: float) -> None:
        self.account.append(seconds)

    def show_token(self, session: Session) -> None:
        self.account.append("known")

    def forget(self, session: Session) -> None:
        self.account.append("forgotten")


class PaperReply(FrameReply):
    """A stream on paper: it never blocks or ends by itself."""

    streams = True

    def __init__(self, book: Book) -> None:
        self.source: Source | None = None
        self.transport, self.address = "xhr_streaming", "127.0.0.1"
        self._book = book

    def write(self, frame: bytes) -> None:
        self._book.account.append(frame)

    def finish(self, *frames: bytes) -> None:
        self._book.account += [*frames, "answered"]
        self.source = None
