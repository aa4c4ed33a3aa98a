"""Finds hooks that hold the event loop: while one runs without awaiting, nobody else is served.

A timer of the loop beats every ``PERIOD``. A thread looks at the beats, which costs nothing that depends on
the traffic. Only when beats are missing it looks at the loop's stack. The outermost function there that
belongs to an application is the hook, and the innermost one the line that it has come to.

The machine may be the one that is too slow. Then the thread wakes up late as well, and begins anew.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from thywill.application import Application

log = logging.getLogger(__name__)

PERIOD = 0.05
"""Seconds between two beats of the loop, and between two looks of the thread."""
LATE = 0.1
"""Seconds by which the thread may wake up too late."""
REPORTS = 5.0
"""Seconds after which a hook is reported that has not ended yet."""


class Sight(NamedTuple):
    """A hook that is on the stack of the loop, and where its code has come to."""

    frame: FrameType
    hook: str
    place: str


class Watcher:
    """Logs a warning for each hook that holds the loop for longer than ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._beaten = time.monotonic()
        self._ends = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the running loop."""
        self._loop = asyncio.get_running_loop()
        self._beat()
        watch = threading.Thread(target=self._watch, args=(threading.get_ident(),), daemon=True)
        watch.name = "thywill-watcher"
        watch.start()
        self._thread = watch

    def stop(self) -> None:
        """End the thread."""
        self._ends.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        assert self._loop is not None
        self._beaten = time.monotonic()
        self._timer = self._loop.call_later(PERIOD, self._beat)

    def _watch(self, loop_thread: int) -> None:
        hold = Hold(self._beaten, self._seconds)
        woken = time.monotonic()
        while not self._ends.wait(PERIOD):
            before, woken = woken, time.monotonic()
            if self._beaten != hold.begun:
                hold.ended(self._beaten)
                hold = Hold(self._beaten, self._seconds)
            elif woken - before > PERIOD + LATE:
                hold = Hold(woken, self._seconds)
            elif woken - hold.begun > PERIOD:
                hold.look(sight(sys._current_frames().get(loop_thread)), woken)
        hold.ended(self._beaten)


class Hold:
    """The time since the last beat, and the hook that has been seen all the time.

    Args:
        begun: when the loop has beaten last.
        seconds: how long a hook may hold the loop.
    """

    def __init__(self, begun: float, seconds: float) -> None:
        self.begun = begun
        self._seconds = seconds
        self._seen: Sight | None = None
        self._since = begun
        self._slow: Sight | None = None
        self._reported = False

    def look(self, seen: Sight | None, now: float) -> None:
        """``seen`` is on the stack at the time ``now``, which no beat has come before."""
        if seen is None or self._seen is None or seen.frame is not self._seen.frame:
            self._seen, self._since = seen, now
        # The loop beats every period when it is free, so this hook has held it since then at least.
        elif now - self.begun >= self._seconds + PERIOD and now - self._since >= self._seconds / 2:
            self._slow = self._slow or seen
            if now - self.begun > REPORTS and not self._reported:
                self._reported = True
                self._warn(f"has held the loop for {now - self.begun:.1f} s and still does")

    def ended(self, now: float) -> None:
        """The loop has beaten again."""
        if self._slow is not None:
            self._warn(f"held the loop for {now - self.begun - PERIOD / 2:.1f} s")
        self._seen = self._slow = None

    def _warn(self, what: str) -> None:
        assert self._slow is not None
        advice = "meanwhile nobody was served; asyncio.to_thread runs slow code elsewhere"
        log.warning("%s %s at %s: %s", self._slow.hook, what, self._slow.place, advice)


def sight(innermost: FrameType | None) -> Sight | None:
    """Return the hook on a stack; None if no application is at work there."""
    frames = list(_frames(innermost))
    for frame in reversed(frames):
        application = frame.f_locals.get("self")
        if isinstance(application, Application):
            folder = _folder_of(type(application))
            own = (each for each in frames if folder and each.f_code.co_filename.startswith(folder))
            last = next(own, frames[0])
            place = f"{last.f_code.co_filename}, line {last.f_lineno}"
            return Sight(frame, f"{application.name}.{frame.f_code.co_name}", place)
    return None


def _folder_of(kind: type) -> str:
    """Return the folder of the module of ``kind``; an empty text if it comes from no file."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return str(Path(file).parent) if file else ""


def _frames(innermost: FrameType | None) -> Iterator[FrameType]:
    frame = innermost
    while frame is not None:
        yield frame
        frame = frame.f_back
