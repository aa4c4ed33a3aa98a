"""Pages and static files, on both servers."""

from __future__ import annotations

import gzip
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPResponse

from tests.conftest import Start
from tests.gate.environment import ROOT
from tests.support.serving import Running
from thywill.application_interface.base import Page
from thywill.client_interface.assets import Assets
from thywill.client_interface.bundle import Bundle, ClientBundle
from thywill.client_interface.frame import BRIDGE_FILES, FRAME_FILES
from thywill.client_interface.html import Links, around_bootstrap, bootstrap_of
from thywill.client_interface.tornado import BAR_FILES, CLIENT_FILES
from thywill.component import Configuration
from thywill.errors import TooMany
from thywill.hub.hub import Hub
from thywill.monitoring.front_page import FrontPage

pytestmark = pytest.mark.gen_test

BOOTSTRAP = re.compile(r'<script type="application/json" id="thywill-bootstrap">(.*?)</script>')


def bootstrap(response: HTTPResponse) -> dict[str, Any]:
    found = BOOTSTRAP.search(response.body.decode())
    assert found is not None
    parsed: dict[str, Any] = json.loads(found[1])
    return parsed


async def test_the_index_lists_the_applications(start: Start) -> None:
    running = await start(application_interface={"applications": ["apps.chat", "tests.support.probe"]})
    response = await running.fetch("")
    assert re.findall(r'<a href="(\w+/)">', response.body.decode()) == ["chat/", "probe/"]


async def test_the_front_page_is_an_application_and_so_is_live(running: Running) -> None:
    told = bootstrap(await running.fetch(""))
    assert (told["application"], told["base"]) == ("thywill", "./")
    answer = await running.ask("poll", {"token": told["token"], "cursor": 0})
    ((_, figures),) = answer["messages"]
    assert (figures["pages"], figures["people"], figures["delay"]) == (1, {"thywill": 1}, None)
    assert (await running.fetch("thywill/")).code == 404


async def test_the_front_page_leads_to_the_guide(running: Running) -> None:
    assert b'<a href="thywill/guide">' in (await running.fetch("")).body
    assert b"<h1 id=" in (await running.fetch("thywill/guide")).body


async def test_where_no_client_can_be_created_the_front_page_is_a_list(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise TooMany("the server is full", retry=1)

    monkeypatch.setattr(Hub, "create", refuse)
    response = await running.fetch("")
    assert response.code == 200
    assert b'<a href="probe/">' in response.body
    assert b"<script" not in response.body


async def test_the_front_page_is_a_list_where_its_figures_are_nobodys_business(start: Start) -> None:
    running = await start(client_interface={"live_front_page": False})
    response = await running.fetch("")
    assert b'<a href="probe/">' in response.body
    assert b"<script" not in response.body
    assert running.service.engine.directory.clients == {}
    answer = await running.fetch("thywill/connect", {"application": "thywill"})
    assert answer.code == 404


async def test_a_page_has_a_header_that_leads_to_the_front_page(running: Running) -> None:
    assert b'<a href="../">' in (await running.fetch("probe/")).body
    assert b"thywill-header" not in (await running.fetch("")).body


async def test_a_page_holds_its_bootstrap(running: Running) -> None:
    response = await running.fetch("probe/")
    told = bootstrap(response)
    assert told["application"] == "probe"
    assert told["base"] == "../"
    assert told["push"] == ["sockjs", "longpoll"]
    assert (told["cursor"], told["hold"], told["grace"]) == (0, 25, 60)
    assert told["resources"] == {"scripts": [], "styles": []}
    answer = await running.ask("poll", {"token": told["token"], "cursor": 0, "hold": 0})
    assert answer == {"messages": [], "cursor": 0}


async def test_a_page_is_never_cached(running: Running) -> None:
    headers = (await running.fetch("probe/")).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert "Server" not in headers


async def test_the_pages_of_one_browser_share_a_session(running: Running) -> None:
    first = await running.fetch("probe/")
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    second = await running.fetch("probe/", headers={"Cookie": cookie})
    clients = running.service.engine.directory.clients
    one, other = bootstrap(first)["client"], bootstrap(second)["client"]
    assert one != other
    assert clients[one].session == clients[other].session


async def test_the_cookie_is_secure_where_the_browser_came_by_https(running: Running) -> None:
    assert "Secure" not in (await running.fetch("probe/")).headers["Set-Cookie"]
    response = await running.fetch("probe/", headers={"X-Forwarded-Proto": "https"})
    assert response.headers["Set-Cookie"].endswith("; Secure")


async def test_the_address_comes_from_a_trusted_proxy(running: Running) -> None:
    response = await running.fetch(
        "probe/", headers={"X-Forwarded-For": "203.0.113.7", "User-Agent": "Old/1"}
    )
    client = running.service.engine.directory.clients[bootstrap(response)["client"]]
    assert (client.address, client.user_agent) == ("203.0.113.7", "Old/1")


async def test_and_from_no_other(start: Start) -> None:
    running = await start(server={"trusted_proxies": []})
    response = await running.fetch("probe/", headers={"X-Forwarded-For": "203.0.113.7"})
    assert running.service.engine.directory.clients[bootstrap(response)["client"]].address == "127.0.0.1"


async def test_a_path_of_slashes_gets_a_small_answer(running: Running) -> None:
    for path in ("/" * 15_000, "/x" * 7_500):
        response = await running.fetch(path)
        assert response.code == 404
        assert len(response.body) < 2_000


@pytest.mark.parametrize("path", ["probe/", "thywill/connect"])
async def test_over_tls_the_cookie_is_of_this_host_alone(running: Running, path: str) -> None:
    body = {"application": "probe"} if path.startswith("thywill") else None

    async def cookie(scheme: str, sent: str = "") -> str:
        response = await running.fetch(path, body, headers={"X-Forwarded-Proto": scheme, "Cookie": sent})
        return str(response.headers["Set-Cookie"])

    def sessions() -> set[str]:
        return {client.session for client in running.service.engine.directory.clients.values()}

    name, _, rest = (await cookie("https")).partition("=")
    assert name == "__Host-thywill_session"
    assert {"Path=/", "Secure", "HttpOnly"} <= set(rest.split("; "))
    assert "Domain" not in rest
    value = rest.partition(";")[0]
    await cookie("https", f"{name}={value}")
    assert len(sessions()) == 1
    # The other name can be set by a page of another host of the same domain.
    await cookie("https", f"thywill_session={value}")
    assert len(sessions()) == 2
    assert (await cookie("http")).startswith("thywill_session=")


async def test_the_slash_is_added(running: Running) -> None:
    # Relative, so that it is right below a proxy's path, too.
    response = await running.fetch("probe", follow_redirects=False)
    assert (response.code, response.headers["Location"]) == (302, "probe/")


async def test_a_look_at_a_page_makes_no_client(running: Running) -> None:
    assert (await running.fetch("probe/", method="HEAD")).code == 200
    assert (await running.fetch("", method="HEAD")).code == 200
    assert (await running.fetch("nothing/", method="HEAD")).code == 404
    assert running.service.engine.directory.clients == {}


@pytest.mark.parametrize(
    "path", ["nothing", "nothing/", "probe/deeper/", "static/", "static/0/thywill/none.js"]
)
async def test_a_missing_page_says_so(running: Running, path: str) -> None:
    response = await running.fetch(path)
    assert response.code == 404
    assert b"Traceback" not in response.body


class Scripts(HTMLParser):
    """The addresses of a page's scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("src")
        if tag == "script" and address:
            self.addresses.append(address)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("", "GET, HEAD"),
        ("probe/", "GET, HEAD"),
        ("static/0/client.js", "GET, HEAD"),
        ("static/0/thywill/look.css", "GET, HEAD"),
        ("thywill/echo", "GET"),
        ("thywill/status/", "GET, HEAD, POST"),
    ],
)
async def test_a_405_says_which_methods_there_are(running: Running, path: str, allowed: str) -> None:
    elsewhere = {"X-Forwarded-For": "192.0.2.1"}
    response = await running.fetch(path, method="PUT", body=b"", headers=elsewhere)
    assert (response.code, response.headers["Allow"]) == (405, allowed)


async def test_resources_are_cached_for_long_and_have_a_version(running: Running) -> None:
    scripts = Scripts()
    scripts.feed((await running.fetch("probe/")).body.decode())
    assert scripts.addresses
    for address in scripts.addresses:
        assert address.startswith("../static/")
        response = await running.fetch(address.removeprefix("../"))
        assert response.code == 200
        assert response.headers["Content-Type"].startswith("text/javascript")
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for other in ("static/0/client.js", "static/0/frame.js", "static/0/thywill/look.css"):
        assert (await running.fetch(other)).headers["Cache-Control"] == "no-cache"


async def test_an_application_without_a_style_has_the_plain_one(running: Running) -> None:
    page = (await running.fetch("probe/")).body.decode()
    style = re.search(r'<link rel="stylesheet" href="\.\./(static/\w+/thywill/look\.css)">', page)
    assert style is not None
    assert (await running.fetch(style[1])).code == 200


async def test_pages_elsewhere_may_load_scripts_as_they_like(running: Running) -> None:
    for address in (
        "static/0/client.js",
        "static/0/frame.js",
        "static/0/bridge.js",
        "static/0/thywill/look.css",
    ):
        headers = (await running.fetch(address, headers={"Origin": "https://elsewhere.example"})).headers
        assert headers["Access-Control-Allow-Origin"] == "*", address
        assert headers["Cross-Origin-Resource-Policy"] == "cross-origin", address


SPACED = """(function () {
  'use strict';
  f('a , b; }', /a , b; }[/; ]/g, "c , d; }", x / 1000 / (y + 2));
  x = y + ' : ' + -z - -z + +z;
  if (x) {
    y = function () { return / ; /; };
    z = x
      in y;
    z = [
      1 ||
      2
    ];
  }
}());
"""


def test_the_client_is_squeezed_between_strings_and_expressions_only(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(SPACED)
    assert ClientBundle(tmp_path, ["a.js"]).text == (
        b"if(!(window.thywill&&window.thywill.internal)){(function(){'use strict';\n"
        b"(function(){f('a , b; }',/a , b; }[/; ]/g,\"c , d; }\",x/1000/(y+2));x=y+' : ' + -z - -z + +z;"
        b"if(x){y=function(){return / ; /};z=x\nin y;z=[1||2]}}());}());}\n"
    )


def test_the_bundle_leaves_out_what_only_people_read(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("// why\n(function () {\n  // because\n  f('// no comment');\n\n}());\n")
    (tmp_path / "b.js").write_text("g();")
    bundle = Bundle(tmp_path, ["a.js", "b.js"])
    assert bundle.text == b"(function () {\nf('// no comment');\n}());\ng();\n"
    version = bundle.version
    (tmp_path / "b.js").write_text("h();")
    os.utime(tmp_path / "b.js", ns=(1, 1))
    assert bundle.version != version


def test_the_browser_client_is_small() -> None:
    bundle = ClientBundle(ROOT / "static" / "thywill", CLIENT_FILES)
    assert len(gzip.compress(bundle.text, compresslevel=6)) < 14 * 1024  # as it is served


def test_the_bundle_holds_every_file_of_the_client() -> None:
    files = sorted(path.name for path in (ROOT / "static" / "thywill").glob("*.js"))
    others = {*FrontPage.scripts, "cut.js", "dom.js"}  # applications load them like their own
    ours = {*CLIENT_FILES, *BAR_FILES, *FRAME_FILES, *BRIDGE_FILES, *others}
    assert sorted(ours) == files


@pytest.mark.parametrize("path", ["../secret", "..%2f..%2fREADME.md", "%2e%2e/README.md", "/etc/passwd", "."])
async def test_nothing_outside_of_the_static_folders_is_served(running: Running, path: str) -> None:
    assert (await running.fetch(f"static/0/thywill/{path}")).code in (403, 404)


def test_a_version_follows_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a.js"
    file.write_text("1")
    assets = Assets({"area": tmp_path})
    first = assets.address("area/a.js")
    assert first == assets.address("area/a.js")
    file.write_text("22")
    assert assets.address("area/a.js") != first
    assert assets.address("https://example.org/x.js") == "https://example.org/x.js"
    assert assets.address("/x.js") == "/x.js"


def test_texts_of_an_application_cannot_end_the_script_element(tmp_path: Path) -> None:
    page = Page("x", "<b>&amp;", tmp_path, None)
    before, after = around_bootstrap(page, "", Links("client.js", [], ""))
    html = before + bootstrap_of({"parameters": "</script><!-- & \u2028"}).decode() + after
    found = BOOTSTRAP.search(html)
    assert found is not None
    assert json.loads(found[1]) == {"parameters": "</script><!-- & \u2028"}
    assert "<title>&lt;b&gt;&amp;amp;</title>" in html


async def test_an_application_adds_to_the_bootstrap(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(client: Any, configuration: Configuration) -> None:
        configuration.parameters["who"] = client.id
        configuration.scripts.append("https://example.org/x.js")
        configuration.styles.append("thywill/look.css")

    monkeypatch.setattr(running.probe, "bootstrap", add)
    response = await running.fetch("probe/")
    told = bootstrap(response)
    assert told["parameters"] == {"who": told["client"]}
    assert told["resources"]["scripts"] == ["https://example.org/x.js"]
    assert re.search(r'<link rel="stylesheet" href="../static/\w+/thywill/look.css">', response.body.decode())


async def test_a_bootstrap_that_fails_leaves_no_client(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(client: Any, configuration: Configuration) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(running.probe, "bootstrap", fail)
    assert (await running.fetch("probe/")).code == 500
    assert (await running.fetch("thywill/connect", {"application": "probe"})).code == 500
    assert running.service.engine.directory.clients == {}
    assert "on purpose" in caplog.text
