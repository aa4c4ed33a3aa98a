"""Which transports work behind nginx with settings that people really have: the table of ``conf/README.md``.

``python3 -m tests.tools.nginx_table`` prints it, from a Chromium and from ``run.py doctor``.
"""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.nginx_table")

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.browser.drivers import Browser, Chromium, Page
from tests.browser.drivers.chromium import ChromiumPage
from tests.support.proxied import COMPRESSING, DEFAULTS, HOLDING, KEPT, PASS, RIGHT, Nginx
from tests.support.served import COMMAND, FORCIBLE, Served

TRANSPORTS = ("longpoll", "jsonp", "xhr-streaming", "eventsource", "htmlfile")
SETTLED = 10.0
"""Seconds after which a page has found what works: a stream that is kept back is given up after 3."""
OPEN = "!!document.getElementById('echo-text')"
HOLD = 8.0
"""The server's, in seconds, so that nobody has to wait for 25."""


@dataclass(frozen=True)
class Setting:
    """A row of the table.

    Args:
        name: what to call it.
        server: what stands in nginx's ``server``; None for conf/nginx.conf.
        path: where in it the applications are.
        trusted: whether the server trusts the proxy.
    """

    name: str
    server: str | None
    path: str = ""
    trusted: bool = True


LIVE = RIGHT.replace("location /", "location /live/")
SETTINGS = (
    Setting("`conf/nginx.conf`", None),
    Setting("only `proxy_pass` and the headers", DEFAULTS),
    Setting("HTTP/1.0, `Connection: close`", RIGHT.replace(KEPT, "")),
    Setting("`proxy_buffering on`, forced", f"location / {{ {PASS} {KEPT} {HOLDING} }}"),
    Setting("`gzip on` for all types", f"location / {{ {PASS} {KEPT} proxy_buffering off; {COMPRESSING} }}"),
    Setting("both of these", f"location / {{ {PASS} {KEPT} {HOLDING} {COMPRESSING} }}"),
    Setting(
        "`proxy_read_timeout` below the hold", RIGHT.replace("read_timeout 60s", "read_timeout 3s")
    ),
    Setting("no `X-Forwarded-Proto`", RIGHT.replace("proxy_set_header X-Forwarded-Proto $scheme;", "")),
    Setting("not among `trusted_proxies`", RIGHT, trusted=False),
    Setting("no `Host`", RIGHT.replace("proxy_set_header Host $http_host;", "")),
    Setting(
        "a path that nginx removes", LIVE.replace("http://thywill;", "http://thywill/;"), "live/"
    ),
    Setting("a path that nginx does not remove", LIVE, "live/"),
)  # fmt: skip


def head() -> str:
    """Return the first line of the table."""
    return f"| nginx's settings | {' | '.join(TRANSPORTS)} | `doctor` says |"


def rows(browser: Browser) -> Iterator[str]:
    """Yield the lines of the table."""
    yield head()
    yield "|---" * (len(TRANSPORTS) + 2) + "|"
    for setting in SETTINGS:
        with tempfile.TemporaryDirectory() as folder:
            yield row(setting, browser, Path(folder), doctor)


def row(setting: Setting, browser: Browser, folder: Path, examine: Callable[[str], str]) -> str:
    """Return the line of one setting; ``examine`` returns what ``doctor --json`` prints about an address."""
    config = folder / "thywill.toml"
    proxies = "" if setting.trusted else "trusted_proxies = []"
    config.write_text(f"[server]\n{proxies}\n[push.longpoll]\nhold = {HOLD}\n[push.sockjs]\nhold = {HOLD}\n")
    with ExitStack() as closing:
        served = Served(folder, "--config", str(config), environment=FORCIBLE)
        closing.callback(served.stop)
        nginx = Nginx(folder, served.port, setting.server)
        closing.callback(nginx.stop)
        said = advice(examine(nginx.secure_address + setting.path))
        cells = outcomes(browser, nginx.secure_address + setting.path)
        return f"| {setting.name} | {' | '.join(cells)} | {said} |"


def doctor(url: str) -> str:
    command = [*COMMAND, "doctor", url, "--insecure", "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def advice(report: str) -> str:
    """Return the line that ``doctor`` suggests, or that all is well."""
    told = json.loads(report)
    remedies = [each["remedy"] for each in told["findings"] if each["remedy"]]
    lines = dict.fromkeys(line.partition(" (")[0] for each in remedies for line in each.splitlines())
    return " ".join(f"`{line.partition(' in location')[0]}`" for line in lines) or "all is well"


def outcomes(browser: Browser, address: str) -> list[str]:
    """Return what happens to each transport in pages that begin with it."""
    pages = {name: new_page(browser) for name in TRANSPORTS}
    for name, page in pages.items():
        page.open(f"{address}echo/?transport={name}")
    if all(page.evaluate(OPEN) for page in pages.values()):
        wait(lambda: all(used(page) == name for name, page in pages.items()))
        for name, page in pages.items():
            send(page, f"hello by {name}")
        wait(lambda: all(hears(page, f"hello by {name}") for name, page in pages.items()))
        cells = [outcome(page, name) for name, page in pages.items()]
    else:
        cells = ["no page" for _ in pages]
    for page in pages.values():
        page.close()
    return cells


def new_page(browser: Browser) -> ChromiumPage:
    """Return a page that accepts nginx's certificate."""
    page = browser.new_page(isolated=True)
    assert isinstance(page, ChromiumPage)
    page.call("Security.setIgnoreCertificateErrors", ignore=True)
    return page


def wait(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true, or until a time limit."""
    end = time.monotonic() + SETTLED
    while not condition() and time.monotonic() < end:
        time.sleep(0.2)


def send(page: Page, text: str) -> None:
    """Send a text from a page, which the echo sends back."""
    page.evaluate(
        f"(() => {{ document.getElementById('echo-text').value = {json.dumps(text)};"
        " document.getElementById('echo-send').click(); })()"
    )


def hears(page: Page, text: str) -> bool:
    """Tell whether the text has come back."""
    return text in page.evaluate("document.body.innerText")


def outcome(page: Page, name: str) -> str:
    """Return what happened to a transport."""
    if not hears(page, f"hello by {name}"):
        return "fails"
    found = used(page)
    return "works" if found == name else f"→ {found}"


def used(page: Page) -> str:
    """Return the transport by which a page receives."""
    script = (
        "new Promise((done) => { setTimeout(() => done(''), 300);"
        " thywill.ready((client) => done(client.transport)); })"
    )
    return str(page.evaluate(f"window.thywill && thywill.ready ? {script} : ''") or "")


def main(arguments: list[str]) -> None:
    """Print the table."""
    argparse.ArgumentParser(prog="python3 -m tests.tools.nginx_table", description=__doc__).parse_args(
        arguments
    )
    browser = Chromium()
    try:
        for line in rows(browser):
            print(line, flush=True)
    finally:
        browser.close()
