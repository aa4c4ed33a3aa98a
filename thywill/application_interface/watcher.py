"""Finds hooks that hold the event loop: while one runs without awaiting, nobody else is served.

A thread samples the loop's stack every ``CHECK_EVERY``, so its cost does not depend on the traffic. On the
stack, the outermost function that belongs to an application is the hook; the innermost one shows the line
that runs. To see a hook twice does not prove that it held the loop: it may have awaited in between. So when
the thread sees a hook, it schedules a probe, a callback that runs as soon as the loop is free. For example,
with a hook that sleeps for 0.3 s:

    0.00   the hook begins
    0.07   the thread sees the hook, schedules a probe, and samples more often from now on
    0.09   the hook is still on the stack, and the probe has not run
    ...
    0.30   the hook awaits, and the probe runs: the hook has held the loop for 0.23 s and half a period

If the thread itself wakes up late, the whole machine is slow, and no hook is blamed: the thread begins anew.

After ``IDLE_AFTER`` without a hook on the stack the thread is idle and samples only every
``CHECK_EVERY_WHILE_IDLE``: sampling all the time would be most of what an idle server does. Whoever begins a
hook then calls ``wake``. The tasks that an application has created itself do not: one of them that holds the
loop of an idle server for less than ``CHECK_EVERY_WHILE_IDLE`` may go unseen.
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

CHECK_EVERY = 0.1
"""Seconds between two samples. Each costs a server some 60 us, even one that is idle."""
IDLE_AFTER = 1.0
"""Seconds without a hook after which the thread is idle."""
CHECK_EVERY_WHILE_IDLE = 1.0
"""Seconds between two samples while the thread is idle."""
CHECK_EVERY_WHILE_HELD = 0.02
"""Seconds between two samples after a hook was seen, until the probe has run."""
MAX_LATENESS = 0.1
"""Seconds by which the thread may wake up late; beyond that the machine is to blame."""
REPORT_AFTER = 5.0
"""Seconds after which a hook that still runs is reported."""


class RunningHook(NamedTuple):
    """A hook on the stack of the loop, and the line of the application that runs."""

    frame: FrameType
    hook: str
    place: str


class Watcher:
    """Logs a warning for each hook that holds the loop for longer than ``seconds``.

    While ``is_idle`` is true, whoever begins a hook calls ``wake``.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._probed = 0.0
        self.is_idle = False
        self._idle_at = 0.0
        self._wake = threading.Event()
        self._ends = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the running loop."""
        self._loop = asyncio.get_running_loop()
        watch = threading.Thread(target=self._watch, args=(threading.get_ident(),), daemon=True)
        watch.name = "thywill-watcher"
        watch.start()
        self._thread = watch

    def stop(self) -> None:
        """End the thread."""
        self._ends = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """A hook is about to run."""
        self.is_idle = False
        self._wake.set()

    def _schedule_probe(self) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._probe)
        except RuntimeError:  # the loop has been closed: nothing is left to watch
            self._ends = True

    def _probe(self) -> None:
        self._probed = time.monotonic()

    def _watch(self, loop_thread: int) -> None:
        hold, period, woken = None, CHECK_EVERY, time.monotonic()
        self._postpone_idle(woken)
        while not self._wait(period):
            before, woken = woken, time.monotonic()
            if period == CHECK_EVERY_WHILE_IDLE and not self.is_idle:  # ``wake`` was called
                self._postpone_idle(woken)
            if hold is not None and self._probed > hold.begun:
                hold.ended(self._probed)
                hold = None
            elif woken - before > period + MAX_LATENESS:
                hold = None
            hold = self._update(hold, hook_on_stack(sys._current_frames().get(loop_thread)), woken)
            if hold is not None:
                self._postpone_idle(woken)
            self.is_idle = woken >= self._idle_at
            usual = CHECK_EVERY if hold is None else CHECK_EVERY_WHILE_HELD
            period = CHECK_EVERY_WHILE_IDLE if self.is_idle else usual
        if hold is not None:
            hold.ended(time.monotonic())

    def _postpone_idle(self, now: float) -> None:
        self._idle_at = now + IDLE_AFTER

    def _wait(self, seconds: float) -> bool:
        """Wait for so long, or until ``wake`` is called; return whether the thread has to end."""
        self._wake.wait(seconds)
        self._wake.clear()
        return self._ends

    def _update(self, hold: Hold | None, seen: RunningHook | None, now: float) -> Hold | None:
        if hold is None and seen is not None:
            hold = Hold(now, self._seconds)
            self._schedule_probe()
        if hold is not None:
            hold.sample(seen, now)
        return hold


class Hold:
    """The time since the probe was scheduled, and the hook that the thread sees on the stack.

    Args:
        begun: when the probe was scheduled.
        seconds: how long a hook may hold the loop.
    """

    def __init__(self, begun: float, seconds: float) -> None:
        self.begun = begun
        self._seconds = seconds
        self._seen: RunningHook | None = None
        self._since = begun
        self._reported = False

    def sample(self, seen: RunningHook | None, now: float) -> None:
        """At the time ``now`` the probe has not run yet, and ``seen`` is on the stack."""
        if seen is None or self._seen is None or seen.frame is not self._seen.frame:
            self.ended(now)
            self._seen, self._since = seen, now
            return
        self._seen = seen
        if now - self._since > REPORT_AFTER and not self._reported:
            self._reported = True
            self._warn(f"has held the loop for {now - self._since:.1f} s and still does")

    def ended(self, now: float) -> None:
        """The hook that was seen last has ended, at the latest at the time ``now``."""
        # The hook began up to a period before it was seen, so on average half a period.
        held = now - self._since + CHECK_EVERY / 2
        if self._seen is not None and held >= self._seconds:
            self._warn(f"held the loop for {held:.1f} s")
        self._seen = None

    def _warn(self, what: str) -> None:
        assert self._seen is not None
        advice = "meanwhile nobody was served; run slow code with asyncio.to_thread"
        log.warning("%s %s at %s: %s", self._seen.hook, what, self._seen.place, advice)


def hook_on_stack(innermost: FrameType | None) -> RunningHook | None:
    """Return the hook on the stack with this innermost frame; None if no application's code runs there."""
    frames = list(_frames(innermost))
    for frame in reversed(frames):
        application = frame.f_locals.get("self")
        if isinstance(application, Application):
            folder = _folder_of(type(application))
            own = (each for each in frames if folder and each.f_code.co_filename.startswith(folder))
            last = next(own, frames[0])
            place = f"{last.f_code.co_filename}, line {last.f_lineno}"
            return RunningHook(frame, f"{application.name}.{frame.f_code.co_name}", place)
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
