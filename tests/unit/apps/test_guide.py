"""Every example of ``apps/README.md`` is run: classes by scenes, tests by unittest, scripts by Node.js."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import unittest
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import apps
from tests.browser.drivers import require
from tests.gate.environment import ROOT
from thywill import Application, Refused, RpcError
from thywill.application_interface.local import LocalSettings
from thywill.commands import options
from thywill.config import Settings
from thywill.testing import run

TEXT = (ROOT / "apps" / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE)
KINDS = {"python", "js", "toml", "sh"}


def blocks(language: str) -> list[str]:
    return [found["code"] for found in BLOCK.finditer(TEXT) if found["language"] == language]


def name_of(code: str) -> str:
    """Return the name of the last class that an example defines."""
    return re.findall(r"^class (\w+)", code, flags=re.MULTILINE)[-1]


CLASSES = {name_of(code): code for code in blocks("python") if "(Application)" in code}
TESTS = {name_of(code): code for code in blocks("python") if "IsolatedAsyncioTestCase" in code}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """A function that imports the example with a class as ``apps.NAME``."""
    made: list[str] = []
    monkeypatch.setattr(apps, "__path__", [str(tmp_path)])

    def make(kind: str) -> ModuleType:
        name = kind.lower()
        folder = tmp_path / name
        (folder / "static").mkdir(parents=True)
        (folder / "__init__.py").write_text(CLASSES[kind])
        for script in re.findall(r'"(\w+\.js)"', CLASSES[kind]):
            (folder / "static" / script).write_text("")
        made.append(f"apps.{name}")
        __import__(made[-1])
        return sys.modules[made[-1]]

    yield make
    for name in made:
        sys.modules.pop(name, None)
        apps.__dict__.pop(name.rpartition(".")[2], None)


async def counter(kind: Any) -> None:
    async with run(kind) as app:
        ada, bob = await app.connect(), await app.connect()
        await ada.send("one more", "one more")
        assert await bob.all() == [0, 1, 2]


async def board(kind: Any) -> None:
    async with run(kind) as app:
        ada, bob = await app.connect(), await app.connect()
        await ada.send({"type": "stroke", "points": [[1, 2], [3, 4]]})
        assert await bob.next() == {"points": [[1, 2], [3, 4]], "colour": "black", "width": 1}
        await ada.send({"type": "stroke", "points": [[1, "2"]]})
        error = await ada.next_error()
        assert error == {"code": "malformed", "message": "stroke: points[0][1]: Expected `float`, got `str`"}
        assert f"``{error['message']} ``" in TEXT


async def library(kind: Any) -> None:
    async with run(kind) as app:
        page = await app.connect()
        assert await page.call("title_of", 1) == "Ulysses"
        with pytest.raises(RpcError, match="no_such_book"):
            await page.call("title_of", 2)


async def market(kind: Any) -> None:
    async with run(kind) as app:
        page = await app.connect()
        await app.application.subscribe(page.client, "price:a")
        await app.application.price_changed("a", 5)
        assert await page.next() == 5


async def club(kind: Any) -> None:
    async with run(kind) as app:
        ada = await app.connect(cookies={"sessionid": "key-of-ada"})
        assert ada.client.user == ("17", "Ada")
        assert (await app.connect()).client.user is None
        with pytest.raises(Refused, match="banned until Monday"):
            await app.connect(cookies={"sessionid": "key-of-bob"})


async def table(kind: Any) -> None:
    async with run(kind) as app:
        page = await app.connect()
        await app.advance(0.3)
        assert await page.all() == [1, 2, 3]


async def match(kind: Any) -> None:
    async with run(kind) as app:
        ada = await app.connect()
        await ada.send({"type": "goal"}, {"type": "say", "text": "yes"})
        bob = await app.connect()
        await ada.send({"type": "goal"})
        assert await ada.all() == [{"goals": 0}, {"goals": 1}, {"text": "yes"}, {"goals": 2}]
        assert await bob.all() == [{"text": "yes"}, {"goals": 1}, {"goals": 2}]


async def lobby(kind: Any) -> None:
    async with run(kind) as app:
        ada, bob = await app.connect(), await app.connect()
        assert [len((await ada.next_presence())["joined"]) for _ in range(2)] == [1, 1]
        await bob.leave()
        await app.advance(5)
        assert len((await ada.next_presence())["left"]) == 1


async def teams(kind: Any) -> None:
    async with run(kind) as app:
        one, bob = await app.connect(session="ada"), await app.connect()
        await one.send({"type": "join", "team": "blue"}, {"type": "join", "team": "red"})
        await bob.send({"type": "join", "team": "blue"})
        two = await app.connect(session="ada")
        await two.send({"type": "shout", "text": "go"})
        assert [await page.all() for page in (one, two, bob)] == [[{"text": "go"}], [], []]


async def wall(kind: Any) -> None:
    async with run(kind) as app:
        ada = await app.connect()
        await ada.send(*({"type": "line", "text": text} for text in ("hello", "again")))
        bob = await app.connect()
        assert (
            await bob.all()
            == await ada.all()
            == [
                {"type": "line", "text": "hello"},
                {"type": "line", "text": "again"},
            ]
        )


async def countdown(kind: Any) -> None:
    async with run(kind) as app:
        page = await app.connect()
        await page.send({"type": "start", "seconds": 2})
        await app.advance(5)
        assert await page.all() == [{"left": 0}, {"left": 1}, {"left": 0}]


async def letters(kind: Any) -> None:
    async with run(kind) as app:
        ada, bob = await app.connect(), await app.connect()
        await bob.next()
        await ada.call("write", bob.id, "Hello")
        assert await bob.next() == {"from": ada.id, "text": "Hello"}
        await bob.leave()
        with pytest.raises(RpcError, match="gone"):
            await ada.call("write", bob.id, "Hello?")


async def drinks(kind: Any) -> None:
    """Its own test in the guide is the scene."""


SCENES: dict[str, Callable[[Any], Awaitable[None]]] = {
    scene.__name__.capitalize(): scene
    for scene in (
        counter,
        board,
        club,
        library,
        lobby,
        market,
        match,
        table,
        teams,
        wall,
        countdown,
        letters,
        drinks,
    )
}


def test_every_class_has_a_scene_and_every_block_a_language() -> None:
    assert sorted(CLASSES) == sorted(SCENES)
    assert {found["language"] for found in BLOCK.finditer(TEXT)} <= KINDS
    assert len(TESTS) == 2


@pytest.mark.parametrize("kind", sorted(CLASSES))
@pytest.mark.gen_test
async def test_an_application_of_the_guide_works(package: Callable[[str], ModuleType], kind: str) -> None:
    application = getattr(package(kind), kind)
    assert issubclass(application, Application)
    await SCENES[kind](application)


@pytest.mark.parametrize("kind", sorted(TESTS))
def test_a_test_of_the_guide_passes(package: Callable[[str], ModuleType], kind: str) -> None:
    package(kind.removeprefix("Test"))
    space: dict[str, Any] = {"__name__": "guide"}
    exec(TESTS[kind], space)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(space[kind]).run(result)
    assert (result.testsRun > 0, result.errors, result.failures) == (True, [], [])


@pytest.mark.parametrize(
    "code",
    [code for code in blocks("python") if code not in {*CLASSES.values(), *TESTS.values()}],
    ids=lambda code: code.split("\n")[0],
)
def test_other_code_of_the_guide_runs(code: str) -> None:
    exec(code, {"__name__": "guide"})


@pytest.mark.parametrize("text", blocks("toml"), ids=range(len(blocks("toml"))))
def test_the_settings_of_the_guide_are_settings(text: str) -> None:
    sections = tomllib.loads(text)
    if "application_interface" in sections:
        settings = Settings(sections, "the guide").section("application_interface", LocalSettings)
        assert settings.applications[-1] == "apps.counter"


def test_the_commands_of_the_guide_are_commands() -> None:
    lines = [line for text in blocks("sh") for line in text.splitlines() if "run.py" in line]
    assert len(lines) >= 2
    for line in lines:
        words = line.split("run.py", 1)[1].split()
        name = words[0] if words and not words[0].startswith("-") else options.DEFAULT
        assert name in options.COMMANDS, line
        if name == options.DEFAULT:
            options.parse(words)


STUB = """
const element = () => ({appendChild() {}, removeChild() {}, firstChild: null});
const heard = [];
globalThis.document = {createElement: element, createTextNode: element, getElementById: element};
globalThis.alert = () => {};
const client = {
  on: (name, listener) => heard.push(listener),
  send: (data) => data,
  call: (method, list, done) => { done(null, 1); done({code: 'no', message: 'no'}); }
};
globalThis.client = client;
globalThis.change = () => {};
const failure = {step: 'connect', message: 'no'};
globalThis.thywill = {ready: (start, fail) => { start(client); if (fail) { fail(failure); } }};
for (const code of JSON.parse(require('fs').readFileSync(0))) {
  new Function(code)();
  for (const listener of heard.splice(0)) { listener({text: 'a'}); }
}
"""


def test_the_scripts_of_the_guide_run() -> None:
    node = require("node", "nodejs")
    subprocess.run(
        [node, "-e", STUB], input=json.dumps(blocks("js")), text=True, check=True, capture_output=True
    )


def test_the_guide_names_everything_that_is_exported() -> None:
    import thywill
    import thywill.testing as testing

    hidden = {"__version__", "ThywillError", "ApplicationError", "Configuration", "Client", "Cuttable"}
    names = {*thywill.__all__} - hidden
    assert [name for name in sorted(names) if name not in TEXT] == []
    page = {name for name in vars(testing.BrowserPage) if not name.startswith("_")}
    of_the_wire = {"flush", "expire", "supersede", "retry", "end", "poll"}
    plain = {"id", "session", "begin_call"}
    assert [name for name in sorted(page - of_the_wire - plain) if f".{name}" not in TEXT] == []
