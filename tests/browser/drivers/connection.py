"""Commands, replies and events as JSON over a browser's debugging socket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import websocket

Event = dict[str, Any]
COMMAND_TIMEOUT = 60.0


class DriverError(Exception):
    """The browser refused a command, did not answer, or is gone."""


class Connection:
    """Both protocols in what they share: numbered commands, a reply to each, events in between.

    Events are read while a reply is awaited, so that no thread is needed.

    Args:
        url: the address of the debugging socket.
        listener: is called with every event.
    """

    def __init__(self, url: str, listener: Callable[[Event], None]) -> None:
        self._socket = websocket.create_connection(url, timeout=COMMAND_TIMEOUT, suppress_origin=True)
        self._listener = listener
        self._last = 0
        self._replies: dict[int, dict[str, Any]] = {}

    def call(self, method: str, parameters: dict[str, Any], **envelope: str) -> dict[str, Any]:
        """Send a command and return its result.

        Raises:
            DriverError: the browser answered with an error, or not in time.
        """
        self._last += 1
        number = self._last
        self._send({"id": number, "method": method, "params": parameters, **envelope})
        self.read_until(lambda: number in self._replies, COMMAND_TIMEOUT, method)
        reply = self._replies.pop(number)
        if "error" in reply:
            raise DriverError(f"{method}: {error_text(reply)}")
        result: dict[str, Any] = reply["result"]
        return result

    def read_until(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Take what the browser sends until ``done``.

        Raises:
            DriverError: ``timeout`` seconds passed, or the browser is gone; the text begins with ``what``.
        """
        deadline = time.monotonic() + timeout
        while not done():
            message = self._receive(deadline - time.monotonic(), what)
            if "id" in message:
                self._replies[message["id"]] = message
            else:
                self._listener(message)

    def close(self) -> None:
        self._socket.close(timeout=1)

    def _send(self, command: dict[str, Any]) -> None:
        try:
            self._socket.send(json.dumps(command))
        except (OSError, websocket.WebSocketException) as error:
            raise DriverError(f"{command['method']}: the browser is gone: {error}") from error

    def _receive(self, timeout: float, what: str) -> dict[str, Any]:
        try:
            self._socket.settimeout(max(timeout, 0.001))
            message: dict[str, Any] = json.loads(self._socket.recv())
        except websocket.WebSocketTimeoutException:
            raise DriverError(f"{what}: no answer in time") from None
        except (OSError, ValueError, websocket.WebSocketException) as error:
            raise DriverError(f"{what}: the browser is gone: {error}") from error
        return message


def error_text(reply: dict[str, Any]) -> str:
    """Return the text of an error reply: an object with DevTools, two fields with BiDi."""
    error = reply["error"]
    return str(error["message"]) if isinstance(error, dict) else f"{error}: {reply.get('message', '')}"
