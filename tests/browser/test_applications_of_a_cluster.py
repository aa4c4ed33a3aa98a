"""Applications whose pages are with three servers that share a Redis, and one of these is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.support.display_page import KEY, NAMES, VALUE, publish
from tests.support.display_page import look as watch
from tests.support.redis_servers import RedisServer
from tests.support.served import Served, page
from tests.support.table_page import CELL, STATES, begin, look, press_button, sees, write

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SETTINGS = """
[queue]
component = "redis"
url = "{url}"

[client_interface]
secret_file = "{secret}"

[publishing.keys]
any = "{key}"
"""
OFFICE = VALUE % json.dumps("Office")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Served]]:
    redis = RedisServer("redis", "appendonly yes")
    secret, settings = tmp_path / "secret", tmp_path / "settings.toml"
    secret.write_bytes(os.urandom(32))
    settings.write_text(SETTINGS.format(url=redis.url(), secret=secret, key=KEY))
    running: list[Served] = []
    try:
        for name in ("one", "two", "three"):
            folder = tmp_path / name
            folder.mkdir()
            running.append(Served(folder, "--config", str(settings)))
        yield running
    finally:
        for served in running:
            served.kill()
        redis.close()


def kill_leader(servers: list[Served], application: str) -> list[Served]:
    """Kill the server that runs an application; return the others."""
    rows = json.loads(page(servers[0].port, "/thywill/servers"))["servers"]
    (process,) = [row["process"] for row in rows if application in row["leads"]]
    (leader,) = [each for each in servers if each.process.pid == process]
    leader.kill()
    return [each for each in servers if each is not leader]


def test_a_table_outlives_the_server_that_runs_it(
    chromium: Browser, firefox: Browser, servers: list[Served]
) -> None:
    browsers = (chromium, firefox, chromium)
    pages = {server: look(browser, server) for browser, server in zip(browsers, servers, strict=True)}
    one, other, third = pages.values()
    write(one, 8, 0, "Water")
    for each in (other, third):
        sees(each, 8, 0, "Water")
    begin(one, 0, 0, "Tea")
    write(other, 0, 0, "Juice")
    sees(third, 0, 0, "Juice")
    one.press("Enter")
    one.wait_for(f"{CELL % (0, 0)}.className.indexOf('conflict') > 0")
    press_button(one, "Show")
    press_button(one, "Keep mine")
    sees(third, 0, 0, "Tea")

    left = kill_leader(servers, "tabular")
    here, there = [pages[server] for server in left]
    write(here, 9, 0, "after the kill")
    sees(there, 9, 0, "after the kill", timeout=90)
    late = look(chromium, left[0])
    for row, text in ((0, "Tea"), (8, "Water"), (9, "after the kill")):
        sees(late, row, 0, text)
    for each in (here, there, late):
        each.wait_for(f"{STATES} === 0")


def test_charts_go_on_when_the_server_that_feeds_them_is_killed(
    chromium: Browser, firefox: Browser, servers: list[Served]
) -> None:
    browsers = (chromium, firefox, chromium)
    pages = {server: watch(browser, server) for browser, server in zip(browsers, servers, strict=True)}
    publish(servers[1], {"name": "Office", "value": 21.5})
    for each in pages.values():
        each.wait_for(f"{NAMES}.includes('Office') && {OFFICE} === '21.5'")
    left = kill_leader(servers, "display")
    publish(left[1], {"name": "Office", "value": 22.5})
    for server in left:
        pages[server].wait_for(f"{OFFICE} === '22.5'", timeout=90)
    late = watch(chromium, left[0])
    late.wait_for("document.body.textContent.indexOf('Lowest 21.5, highest 22.5') > 0")
