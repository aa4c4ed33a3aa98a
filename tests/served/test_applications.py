"""What goes wrong in an application stays with it and its client, and is said to whoever can mend it."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Start
from tests.support.serving import Running, until
from thywill import RpcError
from thywill.errors import SettingsError

pytestmark = pytest.mark.gen_test

Package = Callable[[str], str]


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Package]:
    """A function that makes an importable package of some code and returns its name."""
    made: list[str] = []

    def make(code: str) -> str:
        made.append(f"odd_{len(made)}_{tmp_path.name}".replace("-", "_"))
        (tmp_path / made[-1]).mkdir()
        (tmp_path / made[-1] / "__init__.py").write_text(f"from thywill import Application, rpc\n{code}\n")
        importlib.invalidate_caches()
        return made[-1]

    sys.path.insert(0, str(tmp_path))
    yield make
    sys.path.remove(str(tmp_path))
    for name in made:
        sys.modules.pop(name, None)


BROKEN = {
    "class A(Application":
        r"fails: SyntaxError: '\(' was never closed \(/.*__init__.py, line 2\)$",
    "1 / 0": r"fails: ZeroDivisionError: division by zero \(.*__init__.py, line 2\)",
    "import nothing_of_that_name": r"cannot be imported: No module named 'nothing_of_that_name'",
    "": r"must define one subclass of Application in its __init__.py, not 0",
    "class A(Application):\n  scripts = 'x.js'": r"scripts of .* is one text: make it a list",
    "class A(Application):\n  scripts = ['x.js']": r"names 'x.js', but there is no ",
    "class A(Application):\n  def on_connect(self, client): ...": r"on_connect must be an async def",
    "class A(Application):\n  async def on_connect(self): ...": r"on_connect must take \(self, client\)",
    "class A(Application):\n  async def on_message(self, m): ...": r"must take \(self, client, message\)",
    "class A(Application):\n  async def on_resume(self): ...": r"on_resume must take \(self, client\)",
    "class A(Application):\n  async def bootstrap(self, c, d): ...": r"bootstrap must be a def, not async",
    "class A(Application):\n  @rpc\n  def f(self, client): ...": r"f has @rpc, so it must be an async def",
    "class A(Application):\n  def __init__(self): raise OSError('no')": r"A fails: OSError: no",
    "class A(Application):\n  async def on_start(self): raise OSError('no')": r"on_start fails: OSError: no",
}  # fmt: skip


@pytest.mark.parametrize(("code", "error"), BROKEN.items(), ids=range(len(BROKEN)))
async def test_a_broken_application_stops_the_start_with_one_line(
    start: Start, package: Package, code: str, error: str
) -> None:
    with pytest.raises(SettingsError, match=error) as caught:
        await start(application_interface={"applications": [package(code)]})
    assert "\n" not in str(caught.value)


WRAPPED = """
from functools import wraps
def counted(method):
    @wraps(method)
    def call(*arguments): return method(*arguments)
    return call
class A(Application):
    @rpc
    @counted
    async def f(self, client): return 1
"""


async def test_a_method_to_call_may_be_wrapped(start: Start, package: Package) -> None:
    name = package(WRAPPED)
    running = await start(application_interface={"applications": [name]})
    client = await running.connect(name)
    assert await client.call("f") == {"result": 1}


SLIPS = """
class A(Application):
    script = []
    tables = {}
    count = 7
    async def on_connct(self, client): ...
    async def on_timer(self): ...
    def on_paper(self): ...
    @rpc
    async def on_vote(self, client): ...
    def bootstrp(self, client, configuration): ...
    async def do_leave(self, client): ...
    async def connect(self): ...
    async def no_message(self, client, message): ...
    def pages(self): ...
"""


def slips(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings about names; a busy machine may cause others."""
    return [each.getMessage() for each in caplog.records if "has names that thywill" in each.getMessage()]


async def test_a_slip_in_a_name_is_one_warning(
    start: Start, package: Package, caplog: pytest.LogCaptureFixture
) -> None:
    name = package(SLIPS)
    await start(application_interface={"applications": [name]})
    (warning,) = slips(caplog)
    assert warning == (
        f"{name} has names that thywill does not use: script is no attribute (did you mean scripts?);"
        " on_connct is no hook (did you mean on_connect?); on_timer is no hook;"
        " bootstrp is no hook (did you mean bootstrap?); no_message is no hook (did you mean on_message?)"
    )


async def test_our_own_applications_have_no_misspelt_names(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    await start(application_interface={"applications": ["apps.echo", "apps.chat"]})
    assert slips(caplog) == []


async def test_when_one_does_not_start_those_before_it_are_stopped(start: Start, package: Package) -> None:
    good = package("class A(Application):\n  stopped = 0\n  async def on_stop(self): type(self).stopped += 1")
    bad = package("class A(Application):\n  async def on_start(self): raise OSError('no')")
    with pytest.raises(SettingsError):
        await start(application_interface={"applications": [good, bad]})
    assert sys.modules[good].A.stopped == 1


async def cancelled(client: Any, data: Any) -> None:
    task = asyncio.ensure_future(asyncio.sleep(100))
    task.cancel()
    await task


async def odd_error(client: Any, data: Any) -> None:
    raise RpcError("no", ValueError("odd"))  # type: ignore[arg-type]


@pytest.mark.parametrize("hook", [cancelled, odd_error])
async def test_a_client_goes_on_whatever_its_hook_raises(start: Start, hook: Any) -> None:
    running = await start()
    client = await running.connect()
    running.probe.do_odd = hook  # type: ignore[attr-defined]
    await client.send({"odd": 1}, {"echo": "after"})
    messages: list[Any] = []
    while len(messages) < 2:
        messages += (await client.poll())["messages"]
    assert "error" in messages[0][1]
    assert messages[1][1] == "after"


async def test_a_property_is_not_run_because_a_browser_names_it(start: Start) -> None:
    running = await start()
    client = await running.connect()
    assert (await client.call("trap"))["error"]["code"] == "not_found"
    assert await client.call("add", 1, 1) == {"result": 2}


async def test_others_have_their_turn_between_the_messages_of_one(start: Start) -> None:
    running = await start()
    busy, other = await running.connect(), await running.connect()
    handled_when_asked: list[int] = []
    probe = running.probe

    async def note(client: Any, data: Any) -> None:
        handled_when_asked.append(len(probe.messages))

    probe.do_note = note  # type: ignore[attr-defined]
    await asyncio.gather(busy.send(*range(100)), other.send({"note": 1}))
    await until(lambda: handled_when_asked and len(probe.messages) == 101)
    assert handled_when_asked[0] < 101


async def test_messages_of_a_disconnected_client_are_not_handled(start: Start) -> None:
    running = await start()
    client = await running.connect()
    await client.send({"evict": "enough"}, *range(50))
    await until(lambda: ("disconnect", client.id) in running.probe.events)
    assert running.probe.messages == [{"evict": "enough"}]


async def test_a_reason_that_is_not_text_is_converted(start: Start) -> None:
    running = await start()
    client = await running.connect()
    poll = asyncio.ensure_future(client.poll())
    await until(lambda: running.service.engine.directory.clients[client.id].receiver)
    await client.send({"evict": 7})
    assert (await poll)["error"] == {"code": "gone", "message": "7"}
    await until(lambda: ("disconnect", client.id) in running.probe.events)


async def test_a_call_is_answered_whatever_else_is_dropped(start: Start) -> None:
    running = await start(queue={"messages": 5})
    client = await running.connect()
    numbered = [[1, [1, 2], "add"], *([n, {"echo": n}] for n in range(2, 40))]
    await running.ask("send", {"token": client.token, "messages": numbered})
    await until(lambda: len(running.probe.messages) == 38)
    answer = await client.poll()
    assert answer["messages"][0][1:] == [{"result": 3}, 1]
    assert answer["lost"] == 34


async def test_the_number_of_clients_has_a_limit(start: Start) -> None:
    running = await start(server={"max_clients": 1})
    await running.connect()
    assert (await running.ask("connect", {"application": "probe"}))["error"]["code"] == "too_many"
    assert (await running.fetch("probe/")).code == 429


async def test_a_page_that_never_polls_leaves_no_record(running: Running) -> None:
    await running.fetch("probe/")
    client = await running.connect()
    records = await running.service.database.find_all()
    assert [record.id for record in records] == [client.id]


async def test_the_log_takes_the_lines_of_every_application(start: Start, package: Package) -> None:
    name = package("class A(Application): ...")
    await start(application_interface={"applications": [name]}, log={"level": "info"})
    assert logging.getLogger(name).isEnabledFor(logging.INFO)
    assert logging.getLogger(name).handlers
