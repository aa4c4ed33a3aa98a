"""The counter of the authors' guide, whose server is killed and started again: the page says so by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.browser.engines.htmlunit import Explorer6
from tests.support.served import Served

pytestmark = pytest.mark.browser

APPLICATION = """
from thywill import Application


class Counter(Application):
    title = "Counter"
    scripts = ["counter.js"]

    async def on_start(self):
        self.count = 0

    async def on_connect(self, client):
        await self.subscribe(client, "everybody")
        await client.send(self.count)

    async def on_message(self, client, message):
        self.count += 1
        await self.publish("everybody", self.count)
"""
SCRIPT = """
thywill.ready(function (client) {
  var button = document.createElement('button');
  var text = document.createTextNode('');
  button.id = 'press';
  button.appendChild(text);
  document.getElementById('application').appendChild(button);
  button.onclick = function () { client.send('one more'); };
  client.on('message', function (count) { text.nodeValue = 'Pressed: ' + count; });
  if (location.search === '?again') {
    client.on('restart', function (unsent) {
      for (var i = 0; i < unsent.length; i += 1) { client.send(unsent[i]); }
    });
  }
});
"""
# The first element of a page may have a class of its own, and old engines see no text before it.
BAR = "(/thywill-bar.*/.exec(document.body.firstChild.className) || [''])[0]"
TEXT = "document.body.firstChild.{}"
PRESS = "document.getElementById('press')"
RESTARTED = "The server was restarted, or this page was away for too long."


def serve(folder: Path, port: int = 0) -> Served:
    static = folder / "counter" / "static"
    static.mkdir(parents=True, exist_ok=True)
    (static.parent / "__init__.py").write_text(APPLICATION)
    (static / "counter.js").write_text(SCRIPT)
    settings = folder / "thywill.toml"
    settings.write_text('application_interface.applications = ["counter"]\n')
    return Served(folder, "--config", str(settings), port=port)


def pressed(count: int, text: str) -> str:
    return f"{PRESS} && {PRESS}.{text} === 'Pressed: {count}'"


def test_a_page_says_that_its_server_was_restarted(browser: Browser, tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        plain, again = (browser.new_page() for _ in range(2))
        plain.open(server.address + "counter/")
        again.open(server.address + "counter/?again")
        for page in (plain, again):
            page.wait_for(pressed(0, "innerText"))
            page.wait_for("!!thywill.internal.Bar")
        assert plain.evaluate(BAR) == again.evaluate(BAR) == ""
    for page in (plain, again):
        page.wait_for(f"/^Offline, trying again( in [0-9]+ s)?$/.test({TEXT.format('textContent')})")
    plain.screenshot(tmp_path / "offline.png")
    again.click("#press")
    with serve(tmp_path, server.port):
        plain.wait_for(f"{BAR} === 'thywill-bar thywill-gone'")
        assert plain.evaluate(TEXT.format("textContent")) == f"{RESTARTED}Reload"
        plain.screenshot(tmp_path / "gone.png")
        plain.set_viewport(360, 640)
        plain.screenshot(tmp_path / "phone.png")
        # What was pressed while nobody heard it counts, without a reload.
        again.wait_for(pressed(1, "innerText"))
        assert again.evaluate(BAR) == ""
        plain.click(".thywill-bar button")
        plain.wait_for(f"!!{PRESS} && {pressed(1, 'innerText')}")
        assert plain.evaluate(BAR) == ""


def test_so_does_one_in_an_old_browser(tmp_path: Path) -> None:
    with Explorer6() as engine:
        with serve(tmp_path) as server:
            engine.open(server.address + "counter/")
            engine.wait_for(pressed(0, "innerText"))
            engine.wait_for("!!thywill.internal.Bar")
        engine.wait_for(f"/^Offline, trying again/.test({TEXT.format('innerText')})")
        with serve(tmp_path, server.port):
            engine.wait_for(f"{BAR} === 'thywill-bar thywill-gone'")
            assert engine.evaluate(TEXT.format("innerText")).startswith(RESTARTED)
            engine.evaluate("document.body.firstChild.getElementsByTagName('button')[0].click(), 0")
            engine.wait_for(f"{pressed(0, 'innerText')} && {BAR} === ''")
        assert engine.errors == []
