"""Fakes around a SockJS session: its keeper and its reply record all calls."""

from __future__ import annotations

from thywill.push.sockjs.replies import FrameReply, Source
from thywill.push.sockjs.session import Session

HOLD, PAUSE = 25.0, 5.0


class FakeKeeper:
    """A keeper; ``calls`` records what a session does with it and with its reply."""

    hold, pause = HOLD, PAUSE

    def __init__(self) -> None:
        self.calls: list[object] = []

    def schedule(self, session: Session, seconds: float) -> None:
        self.calls.append(seconds)

    def show_token(self, session: Session) -> None:
        self.calls.append("known")

    def forget(self, session: Session) -> None:
        self.calls.append("forgotten")


class FakeReply(FrameReply):
    """A stream that never blocks or ends by itself."""

    streams = True

    def __init__(self, keeper: FakeKeeper) -> None:
        self.source: Source | None = None
        self.transport, self.address = "xhr_streaming", "127.0.0.1"
        self._keeper = keeper

    def write(self, frame: bytes) -> None:
        self._keeper.calls.append(frame)

    def finish(self, *frames: bytes) -> None:
        self._keeper.calls += [*frames, "answered"]
        self.source = None
