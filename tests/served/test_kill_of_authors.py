"""What authors get, over a ``kill -9``: history, people, persons, channels of sessions, excluded pages."""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.served import Served

HALL = """
from pathlib import Path

from thywill import Application, on

HOOKS = Path("hooks.txt")


class Hall(Application):
    history = {"talk": 3}
    presence = ["people"]
    leave_after = LEAVE_AFTER

    async def on_connect(self, client):
        await self.subscribe(client, "talk", replay=True)
        await self.subscribe(client, "people")
        await client.send({"person": client.person_id, "name": client.person.get("name"),
                           "channels": sorted(client.channels)})

    @on("name")
    async def name_person(self, client, name: str):
        client.person["name"] = name
        await self.subscribe(client.session, "news")

    @on("say")
    async def say(self, client, text: str):
        await self.publish("talk", {"text": text}, exclude=client)

    @on("tell")
    async def tell(self, client):
        await self.publish("news", {"text": "news"})

    async def on_join(self, channel, person):
        self.write("join", person)

    async def on_leave(self, channel, person):
        self.write("leave", person)

    def write(self, word, person):
        with HOOKS.open("a") as file:
            file.write(f"{word} {person['id']}\\n")
"""


class Page:
    """A page on the wire. ``texts`` and ``people`` have the messages and the presence events that came."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self.port = port
        self.cookie = cookie
        self.texts: list[str] = []
        self.people: list[dict[str, Any]] = []
        answer = self.ask("connect", application="hall")
        self.token, self.cursor, self.sent = answer["token"], answer["cursor"], 0
        self.welcome: dict[str, Any] = {}
        self.wait(lambda: bool(self.welcome and self.people))

    @property
    def person(self) -> str:
        return str(self.welcome["person"])

    def ask(self, what: str, **fields: Any) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", f"/thywill/{what}", json.dumps(fields), {"Cookie": self.cookie})
            response = connection.getresponse()
            self.cookie = (response.getheader("Set-Cookie") or self.cookie).partition(";")[0]
            answer = json.loads(response.read())
        finally:
            connection.close()
        assert "error" not in answer, answer
        return answer

    def poll(self) -> None:
        answer = self.ask("poll", token=self.token, cursor=self.cursor, hold=0.2)
        for item in answer["messages"]:
            if item[0] > self.cursor:
                self.take(*item)
        self.cursor = answer["cursor"]

    def take(self, _id: int, data: Any, kind: str | None = None) -> None:
        if kind == "presence":
            self.people.append(data)
        elif kind == "pack":
            self.texts += [each["text"] for each in data]
        elif "person" in data:
            self.welcome = data
        else:
            self.texts.append(data["text"])

    def wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, (self.texts, self.people)
            self.poll()

    def send(self, **message: Any) -> None:
        self.sent += 1
        self.ask("send", token=self.token, messages=[[self.sent, message]])

    def leave(self) -> None:
        self.ask("leave", token=self.token)

    def last(self, word: str) -> list[str]:
        """Return who joined or left with the last event."""
        return sorted(each["id"] for each in self.people[-1][word])


def saved(folder: Path, query: str) -> str:
    with sqlite3.connect(folder / "thywill.db") as database:
        return str(database.execute(query).fetchall())


def hooks(folder: Path) -> list[str]:
    return (folder / "hooks.txt").read_text().split("\n")[:-1]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[int, float], Served]]:
    (tmp_path / "hall").mkdir()
    settings = tmp_path / "thywill.toml"
    settings.write_text('[application_interface]\napplications = ["hall"]\n[queue]\ncomponent = "database"\n')
    servers: list[Served] = []

    def start(port: int, leave_after: float) -> Served:
        (tmp_path / "hall" / "__init__.py").write_text(HALL.replace("LEAVE_AFTER", str(leave_after)))
        servers.append(Served(tmp_path, "--config", str(settings), port=port))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


def test_all_that_authors_get_outlives_a_kill(serve: Callable[[int, float], Served], tmp_path: Path) -> None:
    server = serve(0, 600.0)
    ada, bob = Page(server.port), Page(server.port)
    ada.send(type="name", name="Ada")
    for text in "1234":
        ada.send(type="say", text=text)
    bob.wait(lambda: bob.texts == ["1", "2", "3", "4"])
    cem = Page(server.port)
    ada.wait(lambda: len(ada.people) == 3)
    bob.wait(lambda: len(bob.people) == 2)
    ada.wait(lambda: '"Ada"' in saved(tmp_path, "select data from person"))
    cem.leave()
    ada.wait(lambda: saved(tmp_path, "select count(*) from queue_client where not gone") == "[(2,)]")
    ada.wait(lambda: len(hooks(tmp_path)) == 3)
    server.kill()  # before leave_after has passed: nobody hears of it from this server

    serve(server.port, 1.0)
    there = sorted([ada.person, bob.person])
    for page in (ada, bob):
        page.wait(lambda page=page: bool(page.people[-1].get("reset")))  # type: ignore[misc]
        assert page.last("joined") == there
    second = Page(server.port, ada.cookie)
    assert second.welcome["name"] == "Ada"
    assert second.welcome["channels"] == ["news", "people", "talk"]
    assert (second.last("joined"), second.texts) == (there, ["2", "3", "4"])
    bob.send(type="tell")
    for page in (ada, second):
        page.wait(lambda page=page: page.texts[-1:] == ["news"])  # type: ignore[misc]
    assert ada.texts == ["news"]  # what it said itself excludes it, before the kill and after

    bob.leave()
    ada.wait(lambda: bool(ada.people[-1]["left"]))
    assert ada.last("left") == [bob.person]
    ada.wait(lambda: len(hooks(tmp_path)) >= 4)  # pages hear of it before on_leave has run
    joins = [f"join {page.person}" for page in (ada, bob, cem)]
    assert (hooks(tmp_path)[:3], hooks(tmp_path)[3:]) == (joins, [f"leave {bob.person}"])
