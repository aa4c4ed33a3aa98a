"""Ids of publications: servers that share a Redis answer as one server does, whichever of them is asked."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.support.redis_servers import RedisServer
from tests.support.served import UNLIMITED, Served

SETTINGS = """
[queue]
component = "{queue}"
{url}

[publishing.keys]
shop = "a key"

[client_interface]
secret_file = "{secret}"

[application_interface]
applications = ["apps.echo", "tests.support.probe"]
"""


def news(data: Any, mark: str | None = None, application: str = "probe") -> dict[str, Any]:
    message = {"application": application, "channel": "all", "data": data}
    return message if mark is None else {**message, "id": mark}


REQUESTS: list[dict[str, Any]] = [
    news(1, "a"),
    news(1, "a"),
    news(2, "a"),
    news(2, "a"),
    {**news(1, "a"), "channel": "other"},
    {**news(1, "a"), "key": "a key"},
    news({"x": 1, "y": 2}, "object"),
    news({"y": 2, "x": 1}, "object"),
    # An application has ids of its own.
    news(2, "a", "echo"),
    news(2, "a", "echo"),
    news(1, "a", "echo"),
    # All or none.
    {"messages": [news("never sent", "b"), news(3, "a")]},
    news("another", "b"),
    {"messages": [news(5, "c"), news(6), news(5, "c")]},
    {"messages": [news(7, "d"), news(8, "d")]},
    {"messages": [news("never sent", "e"), news(0, "a", "echo")]},
    {"messages": [news("never sent", "f", "echo"), news(0, "a")]},
    {"messages": [news("sent", "e", "echo"), news("sent", "f"), news(1, "a")]},
]


class Publishing:
    """Publishes to each of ``ports`` in turns; ``outcomes`` has the answers, with numbers in place of ids."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = cycle(ports)
        self._ids: list[tuple[str, int]] = []
        self.outcomes = [self._publish(body) for body in REQUESTS]

    def _publish(self, body: dict[str, Any]) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", next(self._ports), timeout=60)
        connection.request("POST", "/thywill/publish", json.dumps(body), {"Authorization": "Bearer a key"})
        answer = connection.getresponse()
        status, said = answer.status, json.loads(answer.read())
        connection.close()
        if status != 200:
            return status, said["error"]
        applications = [each["application"] for each in body.get("messages", [body])]
        return status, [self._place(each) for each in zip(applications, said["ids"], strict=True)]

    def _place(self, message: tuple[str, int]) -> int:
        # Each application has a log of its own, so an id may come in both.
        if message not in self._ids:
            self._ids.append(message)
        return self._ids.index(message)


def served(folder: Path, queue: str, url: str = "") -> Served:
    folder.mkdir()
    secret = folder.parent / "secret"
    if not secret.exists():
        secret.write_bytes(os.urandom(32))
    settings = folder / "settings.toml"
    settings.write_text(SETTINGS.format(queue=queue, url=url, secret=secret) + UNLIMITED)
    return Served(folder, "--config", str(settings))


def test_several_servers_answer_as_one_does(tmp_path: Path) -> None:
    with served(tmp_path / "alone", "memory") as alone:
        expected = Publishing([alone.port]).outcomes
    assert [status for status, _ in expected].count(409) == 9
    with ExitStack() as stack:
        redis = RedisServer("redis")
        stack.callback(redis.close)
        url = f'url = "{redis.url()}"'
        servers = [
            stack.enter_context(served(tmp_path / name, "redis", url)) for name in ("one", "two", "three")
        ]
        assert Publishing([each.port for each in servers]).outcomes == expected
