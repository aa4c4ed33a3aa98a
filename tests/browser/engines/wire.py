"""A client of the wire without a browser, and one of the chat."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tests.browser.engines.base import PATIENCE

Event = dict[str, Any]


class WireClient:
    """A client of an application: one request at a time; used by ``with``.

    Args:
        port: the server's.
        application: the application's name.
    """

    def __init__(self, port: int, application: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
        identity = self._ask("connect", {"application": application})
        self.id: str = identity["client"]
        self._token: str = identity["token"]
        self._cursor: int = identity["cursor"]
        self._number = 0
        self.poll(0)

    def poll(self, hold: float) -> list[list[Any]]:
        """Return the items that have come, or come within ``hold`` seconds."""
        answer = self._ask("poll", {"token": self._token, "cursor": self._cursor, "hold": hold})
        self._cursor = answer["cursor"]
        items: list[list[Any]] = answer["messages"]
        return items

    def send(self, data: Any, *method: str) -> int:
        """Send a message, or the arguments of a call of ``method``; return its number."""
        self._number += 1
        answer = self._ask("send", {"token": self._token, "messages": [[self._number, data, *method]]})
        assert answer["received"] == self._number, answer
        return self._number

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def _ask(self, operation: str, fields: dict[str, Any]) -> Any:
        body = json.dumps(fields)
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        self._connection.request("POST", f"/thywill/{operation}", body, headers)
        answer = json.loads(self._connection.getresponse().read())
        assert "error" not in answer, (operation, answer)
        return answer


class Talker(WireClient):
    """Somebody in a room of the chat; ``events`` is all that happened there since."""

    def __init__(self, port: int, room: str) -> None:
        super().__init__(port, "chat")
        self.events: list[Event] = []
        self._came: dict[str, set[str]] = {"joined": set(), "left": set()}
        self._room = room
        self.person: str = self._reply(self.send([room], "enter"))["you"]["id"]

    def say(self, text: str) -> None:
        """Say ``text`` in the room."""
        self.send([self._room, text, self._number], "say")

    def heard(self, person: str) -> list[str]:
        """Return what a person has said."""
        return [e["text"] for e in self.events if e["type"] == "said" and e["person"]["id"] == person]

    def people(self, kind: str) -> set[str]:
        """Return the ids of the people who have joined or left, as ``kind`` says."""
        return self._came[kind]

    def wait_for(self, done: Callable[[], bool], timeout: float = PATIENCE) -> None:
        """Take events until ``done``.

        Raises:
            AssertionError: it was not within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while not done():
            left = deadline - time.monotonic()
            assert left > 0, f"not within {timeout} s; these were the events: {self.events}"
            self._take(self.poll(min(left, 5.0)))

    def _take(self, items: list[list[Any]]) -> list[list[Any]]:
        for _, data, *kind in items:
            if not kind or kind == ["pack"]:
                self.events += data if kind else [data]
            elif kind == ["presence"]:
                for name, ids in self._came.items():
                    ids.update(person["id"] for person in data[name])
        return items

    def _reply(self, number: int) -> Any:
        while True:
            for item in self._take(self.poll(5.0)):
                if item[2:] == [number]:
                    return item[1]["result"]
