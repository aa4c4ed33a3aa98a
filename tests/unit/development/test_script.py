"""The script of ``run.py --dev``: it shows errors, warns in the console, and reloads the page."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.browser.drivers import require
from thywill.development.component import SCRIPT

PAGE = """
const element = () => ({
  style: {}, children: [], appendChild(child) { this.children.push(child); }, removeChild() {}
});
const told = [], waiting = [];
const [script, answers] = JSON.parse(require('fs').readFileSync(0));
globalThis.document = {createElement: element, createTextNode: (text) => text, body: element()};
globalThis.window = {
  JSON, location: {reload: () => told.push('reload')},
  console: {warn: (text) => told.push('warn ' + text), error: (text) => told.push('error ' + text)},
  setTimeout: (call) => waiting.push(call),
  XMLHttpRequest: class {
    open(method, address) { told.push(address); }
    send() {
      Object.assign(this, {readyState: 4}, answers.shift());
      this.onreadystatechange();
    }
  }
};
new Function(script)();
while (answers.length) { waiting.shift()(); }
const shown = document.body.children.map((panel) => panel.children.slice(1).join(''));
process.stdout.write(JSON.stringify({told, shown}));
"""


def run_in_a_page(*answers: dict[str, Any]) -> Any:
    node = require("node", "nodejs")
    sent = [
        {"status": 200, "responseText": json.dumps(answer)} if answer else {"status": 0} for answer in answers
    ]
    done = subprocess.run(
        [node, "-e", PAGE],
        input=json.dumps([SCRIPT.read_text(), sent]),
        text=True,
        check=True,
        capture_output=True,
    )
    return json.loads(done.stdout)


def answer(version: str, after: int, *notices: tuple[str, str]) -> dict[str, Any]:
    return {
        "version": version,
        "after": after,
        "notices": [{"level": level, "text": text} for level, text in notices],
    }


def test_a_traceback_is_shown_and_a_warning_goes_to_the_console() -> None:
    page = run_in_a_page(
        answer("a.0", 3),
        {},
        answer("a.0", 5, ("WARNING", "a hook held the loop"), ("ERROR", "Traceback: boom")),
        answer("a.0", 6, ("ERROR", "another")),
    )
    assert page["told"] == [
        "/thywill/dev?after=",
        "/thywill/dev?after=3",
        "/thywill/dev?after=3",
        "warn thywill: a hook held the loop",
        "error thywill: Traceback: boom",
        "/thywill/dev?after=5",
        "error thywill: another",
    ]
    assert page["shown"] == ["Traceback: boom\n\nanother\n\n"]


def test_another_version_reloads_the_page() -> None:
    page = run_in_a_page(answer("a.0", 0), answer("a.1", 0))
    assert page["told"][-1] == "reload"
