"""What pages of origins that are not allowed, and bodies that are encoded, are answered; on both servers."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPResponse

from tests.conftest import Start
from tests.support.serving import Running
from tests.support.sockjs import Service

pytestmark = pytest.mark.gen_test

ALLOWED = "https://www.example.org"
STRANGER = "https://evil.example"
FIELDS = {
    "connect": 'application=probe&x={"a":1}',
    "poll": "token=TOKEN&cursor=0&hold=0",
    "send": "token=TOKEN&messages=[[1,%22a%22]]",
    "leave": "token=TOKEN",
}


async def serve(start: Start, http: str, *origins: str) -> Running:
    return await start(server={"http": http}, client_interface={"origins": list(origins)})


def called_with(response: HTTPResponse) -> Any:
    """Return what a script calls the page's function with."""
    found = re.fullmatch(r"/\*\*/page\.f\((.*)\);", response.body.decode())
    assert found is not None, response.body
    return json.loads(found[1])


@pytest.mark.parametrize("origins", [(), (ALLOWED,)], ids=["none", "another"])
@pytest.mark.parametrize("operation", FIELDS)
async def test_a_script_of_a_page_that_is_not_allowed_gets_only_that_error(
    start: Start, http: str, operation: str, origins: tuple[str, ...]
) -> None:
    running = await serve(start, http, *origins)
    client = await running.connect()
    await client.send({"echo": "a secret"})
    fields = FIELDS[operation].replace("TOKEN", client.token)
    response = await running.fetch(
        f"thywill/{operation}?{fields}&callback=page.f", headers={"Referer": f"{STRANGER}/page"}
    )
    assert (response.code, response.headers["Content-Type"]) == (200, "application/javascript; charset=UTF-8")
    assert called_with(response) == {
        "error": {
            "code": "origin",
            "message": "pages of this origin are not allowed here: see origins in [client_interface]",
        }
    }
    assert "Set-Cookie" not in response.headers
    assert list(running.service.engine.directory.clients) == [client.id]
    assert await client.receive() == ["a secret"]


async def test_a_script_that_does_not_say_whose_it_is(start: Start, http: str, tmp_path: Path) -> None:
    running = await serve(start, http)
    response = await running.fetch("thywill/poll?token=&cursor=0&callback=page.f")
    assert called_with(response)["error"]["code"] == "origin"
    # So a page learns whether it was refused, or the network failed.
    allowing = await start(
        server={"http": http},
        client_interface={"origins": [ALLOWED]},
        database={"url": f"sqlite:///{tmp_path}/other.db"},
    )
    response = await allowing.fetch("thywill/poll?token=&cursor=0&callback=page.f")
    assert called_with(response)["error"]["code"] == "bad_token"


async def test_an_encoded_body(start: Start, http: str, caplog: pytest.LogCaptureFixture) -> None:
    running = await serve(start, http)
    client = await running.connect()
    bodies = {
        "connect": {"application": "probe"},
        "poll": {"token": client.token, "cursor": 0},
        "send": {"token": client.token, "messages": [[1, "a"]]},
    }
    for operation, body in bodies.items():
        response = await running.fetch(
            f"thywill/{operation}",
            gzip.compress(json.dumps(body).encode()),
            headers={"Content-Encoding": "gzip"},
        )
        assert (response.code, response.headers["Accept-Encoding"]) == (415, "identity")
        assert json.loads(response.body)["error"] == {
            "code": "encoding",
            "message": "a body can't be read here with Content-Encoding 'gzip': send it plain",
        }
    assert await client.send("after") == {"received": 1}
    assert "'/thywill/poll' from 127.0.0.1 refused: 415 encoding" in caplog.messages
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("path", ["xhr_send", "jsonp_send"])
async def test_an_encoded_body_in_a_session(start: Start, http: str, path: str) -> None:
    running = await serve(start, http)
    service = Service(int(running.base.rsplit(":", 1)[1].rstrip("/")), "/thywill/sockjs")
    assert (await service.post("/0/x/xhr")).body == b"o\n"
    answer = await service.post(f"/0/x/{path}", gzip.compress(b'["{}"]'), "Content-Encoding: gzip")
    assert (answer.status, answer.code) == (415, "encoding")
