"""A queue of log records, and the thread that writes them."""

from __future__ import annotations

import copy
import logging
import queue
import threading
from contextlib import suppress

from thywill.log.line import client_of, notice

CAPACITY = 30_000
"""How many records may wait: some 30 MB, enough for thousands of clients that come or go at once."""
CLOSE_TIMEOUT = 5.0
"""How many seconds ``close`` waits for lines that are not written yet."""
PAUSE = 0.05
"""How many seconds the thread waits for more lines before it writes. While the thread runs, the event loop
waits for Python's global lock, which costs several times as much as a line."""


class Spool(logging.Handler):
    """Passes records to a thread, in which ``target`` formats and writes them.

    So a hanging disk, a full pipe or a stopped terminal delays the log and not the clients. Records beyond
    the capacity are dropped and counted; when there is room again, a line reports their number.

    Args:
        target: the handler that writes; ``close`` closes it, too.
        capacity: how many records may wait.
        pause: seconds that the thread waits for more records before it writes.
    """

    def __init__(self, target: logging.Handler, capacity: int = CAPACITY, pause: float = PAUSE) -> None:
        super().__init__()
        self._target = target
        self._pause = pause
        self._records: queue.Queue[logging.LogRecord | None] = queue.Queue(capacity)
        self._dropped = 0
        self._closing = threading.Event()
        # A daemon thread, so that the process can end although a disk hangs.
        self._thread = threading.Thread(target=self._write_all, name="thywill-log", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a formatted copy of ``record``, which may change later; logging holds the lock meanwhile."""
        if self._dropped and self._put(_dropped(self._dropped)):
            self._dropped = 0
        if not self._put(_settled(record)):
            self._dropped += 1

    def write(self, record: logging.LogRecord) -> None:
        """Queue ``record`` without asking the filters."""
        self.acquire()
        try:
            self.emit(record)
        finally:
            self.release()

    def close(self) -> None:
        """Write the waiting lines, within ``CLOSE_TIMEOUT``, and close the target; also called at exit."""
        if self._thread.is_alive():
            self._closing.set()
            with suppress(queue.Full):
                self._records.put(None, timeout=CLOSE_TIMEOUT)
                self._thread.join(CLOSE_TIMEOUT)
        super().close()

    def _put(self, record: logging.LogRecord) -> bool:
        try:
            self._records.put_nowait(record)
        except queue.Full:
            return False
        return True

    def _write_all(self) -> None:
        while (record := self._records.get()) is not None:
            if self._records.empty():
                self._closing.wait(self._pause)
            try:
                self._target.handle(record)
            except Exception:  # noqa: BLE001 - a handler that raises must not end all logging
                self._target.handleError(record)
        self._target.close()


def _settled(record: logging.LogRecord) -> logging.LogRecord:
    record = copy.copy(record)
    record.client = getattr(record, "client", None) or client_of(record)
    record.msg, record.args = _message(record), None
    if record.exc_info:
        record.exc_text = record.exc_text or logging.Formatter().formatException(record.exc_info)
        record.exc_info = None
    return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments may not fit, or their methods may raise anything
        return f"{record.msg} (not formatted: {type(error).__name__})"


def _dropped(count: int) -> logging.LogRecord:
    return notice(f"{count} log lines were dropped: they came faster than they could be written")
