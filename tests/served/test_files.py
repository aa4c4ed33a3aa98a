"""Scripts, styles, icons and pages as endpoints send them: versions, gzip, what a browser has already."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.gate.environment import ROOT
from tests.support.serving import Running, until

pytestmark = pytest.mark.gen_test

SCRIPTS = ["static/0/client.js", "static/0/bar.js", "static/0/frame.js", "static/0/thywill/look.css"]
LOOK = ROOT / "static" / "thywill" / "look.css"
ZIPPED = {"Accept-Encoding": "gzip, deflate"}
PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize("address", SCRIPTS)
async def test_a_file_is_the_same_plain_and_compressed(running: Running, address: str) -> None:
    plain = await running.fetch(address, headers=PLAIN, decompress_response=False)
    zipped = await running.fetch(address, headers=ZIPPED, decompress_response=False)
    assert (plain.code, zipped.code) == (200, 200)
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == plain.body
    for each in (plain, zipped):
        assert each.headers["Vary"] == "Accept-Encoding"
        assert each.headers["X-Content-Type-Options"] == "nosniff"
    assert plain.headers["Etag"] != zipped.headers["Etag"]


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip;q=0", None),
        ("br, gzip ; q=0.000, identity", None),
        ("gzip;q=0.5", "gzip"),
        ("gzip;q=0.001", "gzip"),
        ("br;q=0, gzip", "gzip"),
    ],
)
async def test_who_refuses_gzip_gets_none(running: Running, accepted: str, coding: str | None) -> None:
    headers = {"Accept-Encoding": accepted}
    response = await running.fetch(SCRIPTS[0], headers=headers, decompress_response=False)
    assert response.headers.get("Content-Encoding") == coding


@pytest.mark.parametrize("form", [PLAIN, ZIPPED])
@pytest.mark.parametrize("address", SCRIPTS)
async def test_a_browser_that_has_it_gets_nothing(
    running: Running, address: str, form: dict[str, str]
) -> None:
    tag = (await running.fetch(address, headers=form)).headers["Etag"]
    for known in (tag, f'"other", W/{tag}', f"{tag},"):
        response = await running.fetch(address, headers={**form, "If-None-Match": known})
        assert (response.code, response.body, response.headers["Etag"]) == (304, b"", tag)
        assert "Content-Length" not in response.headers
    response = await running.fetch(address, headers={**form, "If-None-Match": '"other"'})
    assert response.code == 200


@pytest.mark.parametrize("address", SCRIPTS)
async def test_head_says_what_get_would(running: Running, address: str) -> None:
    got = await running.fetch(address, headers=PLAIN)
    told = await running.fetch(address, headers=PLAIN, method="HEAD")
    assert (told.code, told.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "Etag", "Cache-Control"):
        assert told.headers[name] == got.headers[name]


async def test_a_part_of_a_file_can_be_asked_for(running: Running) -> None:
    response = await running.fetch("static/0/thywill/look.css", headers={"Range": "bytes=0-9"})
    assert (response.code, response.body) == (206, LOOK.read_bytes()[:10])


@pytest.mark.parametrize(
    "name", ["nothing.css", "../README.md", "..%2fREADME.md", ".hidden", "", "a//b", "%00", "look.css/x"]
)
async def test_there_is_nothing_else(running: Running, name: str) -> None:
    assert (await running.fetch(f"static/0/thywill/{name}")).code in (400, 403, 404)


async def test_a_changed_file_is_sent_anew(running: Running, tmp_path: Path) -> None:
    file = tmp_path / "changing.css"
    file.write_text("first")
    running.service.client_interface.assets._folders["changing"] = tmp_path
    address = "static/0/changing/changing.css"
    assert (await running.fetch(address)).body == b"first"
    file.write_text("second")
    os.utime(file, (1, 1))
    await until_body(running, address, b"second")
    file.unlink()
    await until_body(running, address, None)


async def until_body(running: Running, address: str, body: bytes | None) -> None:
    while True:
        response = await running.fetch(address)
        if (response.body if response.code == 200 else None) == body:
            return


@pytest.mark.parametrize("path", ["", "probe/"])
async def test_a_page_is_the_same_compressed_but_for_its_client(running: Running, path: str) -> None:
    plain = await running.fetch(path, headers=PLAIN, decompress_response=False)
    zipped = await running.fetch(path, headers=ZIPPED, decompress_response=False)
    text = gzip.decompress(zipped.body)
    before, _, rest = plain.body.partition(b'id="thywill-bootstrap">')
    assert text.startswith(before)
    assert text.endswith(rest.partition(b"</script>")[2])
    assert len(zipped.body) < len(text)
    assert zipped.headers["Set-Cookie"] != plain.headers["Set-Cookie"]


async def test_a_large_body_is_read_for_no_page(running: Running) -> None:
    for path in ("probe/", "static/0/client.js"):
        response = await running.fetch(path, method="GET", body=b"x" * 10_000, allow_nonstandard_methods=True)
        assert response.code == 413


async def test_many_fields_in_a_page_s_address_do_no_harm(start: Start) -> None:
    running = await start()
    query = "&".join(f"field{number}={number}" for number in range(300))
    assert (await running.fetch(f"probe/?{query}")).code == 200
    await until(lambda: len(running.service.engine.directory) == 1)
