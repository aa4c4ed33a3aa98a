"""The page that other origins show in a hidden frame, and who may connect through it; on both servers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tornado.httpclient import HTTPResponse

from tests.conftest import Start
from tests.gate.environment import ROOT
from tests.support.serving import Running
from thywill.client_interface.bundle import Bundle
from thywill.client_interface.frame import BRIDGE_FILES, FRAME_FILES, Frame
from thywill.wire.origins import Origins

pytestmark = pytest.mark.gen_test

ALLOWED = "https://www.example.org"
FOREVER = "public, max-age=31536000, immutable"
STATIC = ROOT / "static" / "thywill"


async def serve(start: Start, http: str, *origins: str) -> Running:
    return await start(server={"http": http}, client_interface={"origins": list(origins)})


async def frame_address(running: Running) -> str:
    """Return the address of the page, as the script tells it that is loaded for the frame."""
    bridge = await running.fetch("static/0/bridge.js")
    assert bridge.headers["Cache-Control"] == "no-cache"
    found = re.search(r"^thywill\.internal\.frameVersion = '(\w+)';$", bridge.body.decode(), re.MULTILINE)
    assert found is not None
    return f"static/{found[1]}/frame.html"


async def test_the_page_says_which_origins_it_hears(start: Start, http: str) -> None:
    running = await serve(start, http, ALLOWED, "http://b.example.org:81/")
    response = await running.fetch(await frame_address(running))
    assert response.code == 200
    found = re.search(r'id="thywill-origins">(.*?)</script>', response.body.decode())
    assert found is not None
    assert json.loads(found[1]) == {"origins": ["http://b.example.org:81", ALLOWED]}


async def test_the_frame_is_cached_while_it_is_the_same(start: Start, http: str) -> None:
    running = await serve(start, http, ALLOWED)
    address = await frame_address(running)
    response = await running.fetch(address)
    assert response.headers["Cache-Control"] == FOREVER
    other = await running.fetch("static/0/frame.html")
    assert other.headers["Cache-Control"] == "no-cache"
    again = await running.fetch("static/0/frame.html", headers={"If-None-Match": other.headers["Etag"]})
    assert again.code == 304
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    script = re.search(r'src="\.\./(\w+/frame\.js)"', response.body.decode())
    assert script is not None
    scripts = await running.fetch(f"static/{script[1]}")
    assert scripts.headers["Cache-Control"] == FOREVER
    assert scripts.headers["Content-Type"].startswith("text/javascript")


async def test_it_can_do_nothing_but_ask_the_server(start: Start, http: str) -> None:
    running = await serve(start, http, ALLOWED)
    headers = (await running.fetch("static/0/frame.html")).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "frame-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": f"'self' {ALLOWED}",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in headers
    assert "Set-Cookie" not in headers


async def test_without_other_origins_it_is_not_there(running: Running) -> None:
    assert (await running.fetch("static/0/frame.html")).code == 404
    assert (await running.fetch("static/0/frame.html", method="HEAD")).code == 404


def test_its_version_follows_the_origins_and_the_scripts(tmp_path: Path) -> None:
    for name in (*FRAME_FILES, *BRIDGE_FILES):
        (tmp_path / name).write_text("f();\n")
    versions = {Frame(tmp_path, Origins(origins)).version for origins in ([], [ALLOWED], ["*"])}
    (tmp_path / "frame.js").write_text("g();\n")
    versions.add(Frame(tmp_path, Origins([ALLOWED])).version)
    assert len(versions) == 4
    one, other = Frame(tmp_path, Origins([])).bridge, Frame(tmp_path, Origins(["*"])).bridge
    assert one.version != other.version


def test_an_origin_can_not_end_the_script_element() -> None:
    text = Frame(STATIC, Origins(["app://<script>"])).text
    assert text.count(b"<script") == 2


def test_the_script_of_the_frame_holds_no_more_than_it_needs() -> None:
    assert len(Bundle(STATIC, FRAME_FILES).text) < 16 * 1024


async def connect(running: Running, page: str | None, **headers: str) -> HTTPResponse:
    query = "" if page is None else f"?page={quote(page, safe='')}"
    return await running.fetch(f"thywill/connect{query}", {"application": "probe"}, headers=headers)


def error(response: HTTPResponse) -> tuple[int, Any]:
    return response.code, json.loads(response.body)["error"]["code"]


async def test_a_page_that_connects_through_the_frame_is_checked_like_others(start: Start, http: str) -> None:
    running = await serve(start, http, ALLOWED)
    assert (await connect(running, ALLOWED)).code == 200
    own = running.base.rstrip("/")
    for page in ("https://evil.example.org", "http://www.example.org", f"{ALLOWED}:444", "null", "x"):
        # As from a page that is still in some cache, since before the settings were changed.
        assert error(await connect(running, page)) == (403, "origin")
        assert error(await connect(running, page, Origin=own)) == (403, "origin")
    assert error(await connect(running, own, Origin="https://evil.example.org")) == (403, "origin")
    assert (await connect(running, own)).code == 200


async def test_a_page_of_any_origin_at_all_joins_no_session_through_the_frame(
    start: Start, http: str
) -> None:
    running = await serve(start, http, ALLOWED, "*")
    first = await connect(running, None)
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    clients = running.service.engine.directory.clients

    async def session(page: str) -> str:
        answer = json.loads((await connect(running, page, Cookie=cookie)).body)
        return clients[answer["client"]].session

    own = clients[json.loads(first.body)["client"]].session
    assert await session(ALLOWED) == own
    assert await session("https://evil.example.org") != own
    assert await session("null") != own


async def test_the_frame_of_stock_clients_is_revalidated(start: Start, http: str, tmp_path: Path) -> None:
    running = await serve(start, http, ALLOWED)
    response = await running.fetch("thywill/sockjs/iframe-1.6.1.html")
    assert response.headers["Cache-Control"] == "no-cache"
    assert "Expires" not in response.headers
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["Cross-Origin-Embedder-Policy"] == "credentialless"
    again = {"If-None-Match": response.headers["Etag"]}
    assert (await running.fetch("thywill/sockjs/iframe-1.6.1.html", headers=again)).code == 304
    upgraded = await start(
        server={"http": http},
        client_interface={"origins": [ALLOWED, "https://other.example.org"]},
        database={"url": f"sqlite:///{tmp_path}/other.db"},
    )
    other = await upgraded.fetch("thywill/sockjs/iframe-1.6.1.html", headers=again)
    assert (other.code, "https://other.example.org" in other.headers["Content-Security-Policy"]) == (
        200,
        True,
    )
