"""Examines proxies before the server: where they lead, and what they change in requests and answers."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from thywill.commands import remedies
from thywill.commands.http_client import Answer, HttpClient, Unreachable
from thywill.commands.report import Report
from thywill.core import probe
from thywill.core.nearest import closest

PAGE = re.compile(r'href="([A-Za-z][A-Za-z0-9_-]*)/"')
STYLE = re.compile(r'href="(static/[0-9a-z]+/thywill/look\.css)"')
OUR_ERROR = b'{"error":{"code":"malformed"'
"""The beginning of thywill's answer to a malformed request."""
OUR_STYLE = b"/thywill/look.css"
"""A text in every page of thywill, including error pages."""
TEXT = {"Content-Type": "text/plain"}
FOREIGN_ORIGIN = "https://doctor.invalid"
ALLOWED = "Access-Control-Allow-Origin"
ATTEMPTS = 8
"""How many requests ask for one client: enough to reach each of a few servers behind a proxy."""
PORTS = {"http": ":80", "https": ":443"}


@dataclass
class Installation:
    """What is known about the server so far.

    Args:
        hold: for how many seconds it holds a poll.
        push: its push components.
        message: the largest message, in bytes.
        seen: the answer of ``/thywill/echo``: the request as the server has received it.
    """

    hold: float = 25.0
    push: list[str] = field(default_factory=lambda: ["sockjs", "longpoll"])
    message: int = 65_536
    seen: dict[str, Any] = field(default_factory=dict)


async def find_server(http: HttpClient, report: Report) -> bool:
    """Add to ``report`` whether the address of ``http`` leads to thywill; return that."""
    try:
        answer = await http.fetch("thywill/health")
    except Unreachable as error:
        report.problem("address", f"{http.url}: {error.reason}", error.remedy)
        return False
    if answer.status == 200 and answer.json.get("status") == "ok":
        report.good("address", f"{http.url} is thywill")
        return True
    report.problem("address", *(await _application(http, answer) or _other_than_thywill(http, answer)))
    return False


async def _application(http: HttpClient, answer: Answer) -> tuple[str, str] | None:
    """Return the problem and its remedy if the address is that of an application, else None."""
    path = urlsplit(http.url).path
    above = urljoin(http.url, "..")
    if OUR_STYLE not in answer.body or path == "/":
        return None
    try:
        if (await http.fetch("../thywill/health")).json.get("status") != "ok":
            return None
    except Unreachable:
        return None
    text = f"thywill answers, but {path} is not its list of applications; leave an application's name out"
    return text, f"run.py doctor {above}"


def _other_than_thywill(http: HttpClient, answer: Answer) -> tuple[str, str]:
    if 300 <= answer.status < 400:
        target = str(answer.headers.get("Location", "")).removesuffix("thywill/health")
        return f"{http.url} sends elsewhere, to {target}", f"run.py doctor {target}"
    if answer.status == 400 and OUR_ERROR in answer.body:
        text = "thywill answers that requests are malformed: the proxy seems to send a PROXY header first"
        return text, remedies.EXPECT_HEADER
    if answer.status in (502, 503, 504):
        return f"the proxy answers {answer.status}: it does not reach thywill", remedies.UPSTREAM
    path = urlsplit(http.url).path
    if OUR_STYLE in answer.body and path != "/":
        text = f"thywill answers, but {path} is not its list of applications: the proxy must remove the path"
        return text, remedies.PREFIX.format(path)
    server = answer.headers.get("Server")
    by = f" by {server}" if server else ""
    return (
        f"{http.url} is not thywill: {answer.status}{by} instead of its health",
        "the address of the list of applications, with its path if it has one",
    )


async def check_requests(http: HttpClient, known: Installation, report: Report) -> None:
    """Compare a request as it was sent with the request as the server received it.

    Args:
        http: sends the request.
        known: gets the answer of ``/thywill/echo``.
        report: gets the findings.
    """
    # Tornado's client would send Connection: close.
    answer = await http.fetch("thywill/echo", headers={"Connection": "keep-alive"})
    known.seen = seen = answer.json
    if seen.get("thywill") != 1:
        text = f"thywill/echo answers {answer.status}: the server is older than this program"
        report.warn("headers", text, "the same version of thywill at both ends")
        return
    _check_host(http, seen, report)
    is_proxied = answer.headers.get("Server") is not None
    _check_scheme(http, seen, report, is_proxied=is_proxied)
    _check_address(seen, report, is_proxied=is_proxied)
    if seen["kept"]:
        report.good("keep-alive", f"connections to the server are kept open (HTTP/{seen['http']})")
    else:
        text = f"the proxy opens a new connection for each request (HTTP/{seen['http']}), which is slow"
        report.warn("keep-alive", text, remedies.KEEP)


def _check_host(http: HttpClient, seen: dict[str, Any], report: Report) -> None:
    wanted = urlsplit(http.url).netloc.rpartition("@")[2]
    port = PORTS[http.scheme]
    if seen["host"].lower().removesuffix(port) == wanted.lower().removesuffix(port):
        report.good("host", f"the server gets the right host, {wanted}")
    else:
        text = f"the server gets the host {seen['host']}, not {wanted}: it refuses pages (403 origin)"
        report.problem("host", text, remedies.HOST)


def _check_scheme(http: HttpClient, seen: dict[str, Any], report: Report, *, is_proxied: bool) -> None:
    header = seen["forwarded_proto"]
    if seen["scheme"] == http.scheme:
        report.good("scheme", f"the server knows that browsers use {http.scheme}")
    elif header == "ignored":
        text = "X-Forwarded-Proto comes from a proxy that is not trusted"
        report.problem("scheme", f"{text}: cookies are not Secure", remedies.TRUST)
    else:
        text = f"the server believes that browsers use {seen['scheme']}, not {http.scheme}"
        # A proxy that only passes bytes on adds no header to answers, not even its name.
        is_stream = header == "missing" and not is_proxied
        remedy = remedies.STREAM if is_stream else remedies.PROTO
        report.problem("scheme", f"{text}: X-Forwarded-Proto is {header}", remedy)


def _check_address(seen: dict[str, Any], report: Report, *, is_proxied: bool) -> None:
    header = seen["forwarded_for"]
    if header == "ignored":
        text = "X-Forwarded-For comes from a proxy that is not trusted: all browsers have the proxy's address"
        report.problem("addresses", text, remedies.TRUST)
    elif header == "missing" and is_proxied:
        text = "the proxy sends no X-Forwarded-For: all browsers have the proxy's address"
        report.warn("addresses", text, remedies.FORWARDED)
    else:
        report.good("addresses", "the server knows the addresses of browsers")


async def check_pages(http: HttpClient, known: Installation, report: Report, name: str | None) -> None:
    """Connect as a page does, check the cookie, and leave before a hook runs for the client.

    Args:
        http: sends the requests.
        known: gets what the answer says about the server.
        report: gets the findings.
        name: the application to connect to; None for the first in the list.
    """
    name = name or next(iter(await _applications(http)), None)
    if name is None:
        report.warn("connect", "this address has no list of applications", "--application NAME")
        return
    headers = {**TEXT, "Origin": http.origin}
    answer = await http.fetch("thywill/connect", body={"application": name}, headers=headers)
    if answer.code == "origin":
        report.problem("connect", "the server refuses its own pages (403 origin)", remedies.HOST)
    elif answer.code == "not_found":
        close = closest(name, await _applications(http))
        report.problem(
            "connect", f"there is no application {name}", f"--application {close or 'another NAME'}"
        )
    elif answer.status != 200 or "token" not in answer.json:
        report.problem("connect", f"{answer.status} {answer.code}".strip(), remedies.UPSTREAM)
    else:
        report.good("connect", f"a page of {name} gets a client")
        known.hold = float(answer.json.get("hold", known.hold))
        known.push = answer.json.get("push", known.push)
        known.message = answer.json.get("limits", {}).get("message", known.message)
        _check_cookie(http, known, answer, report)
        token = answer.json["token"]
        await _check_servers(http, token, report)
        await http.fetch("thywill/leave", body={"token": token}, headers=headers)


async def _check_servers(http: HttpClient, token: str, report: Report) -> None:
    """Ask over several connections, which may lead to several servers, whether each knows one client."""
    asked = (
        http.fetch("thywill/send", body={"token": token, "messages": []}, headers=TEXT)
        for _ in range(ATTEMPTS)
    )
    codes = {answer.code for answer in await asyncio.gather(*asked)}
    if "bad_token" in codes:
        text = "a server refuses the token that another one has issued: they have different secrets"
        report.problem("servers", text, remedies.SAME_FILE)
    elif "gone" in codes:
        text = "a server does not know the client of another one: they do not share their queue"
        report.problem("servers", text, remedies.SHARED)
    else:
        report.good("servers", f"{ATTEMPTS} requests by different connections know the same client")


async def _applications(http: HttpClient) -> list[str]:
    return PAGE.findall((await http.fetch("")).body.decode(errors="replace"))


def _check_cookie(http: HttpClient, known: Installation, answer: Answer, report: Report) -> None:
    cookie = answer.headers.get("Set-Cookie")
    if cookie is None:
        report.problem("cookie", "the session cookie does not arrive", remedies.COOKIE)
        return
    flags = {word.strip().lower() for word in cookie.split(";")[1:]}
    is_secure = "secure" in flags
    if is_secure and http.scheme == "http":
        text = "the cookie is Secure, but this is http: browsers drop it"
        report.problem("cookie", text, remedies.COOKIE_FLAGS)
    elif not is_secure and http.scheme == "https":
        text = "the cookie is not Secure: browsers would send it by http, too"
        report.problem("cookie", text, _secure_remedy(known.seen))
    elif "httponly" not in flags:
        report.warn("cookie", "the cookie is not HttpOnly: scripts can read it", remedies.COOKIE_FLAGS)
    else:
        report.good("cookie", "the session cookie arrives unchanged")


def _secure_remedy(seen: dict[str, Any]) -> str:
    if seen.get("scheme") == "https":
        return remedies.COOKIE_FLAGS
    return remedies.TRUST if seen.get("forwarded_proto") == "ignored" else remedies.PROTO


async def probe_origins(http: HttpClient, origin: str | None) -> Report:
    """Check the CORS headers that pages of another origin receive.

    Args:
        http: sends the requests.
        origin: an origin that should be allowed; None for one that should be refused.
    """
    report = Report()
    asked = {"token": probe.TOKEN, "cursor": 0}
    answer = await http.fetch(
        "thywill/poll", body=asked, headers={**TEXT, "Origin": origin or FOREIGN_ORIGIN}
    )
    allowed = answer.headers.get_list(ALLOWED)
    plain = (await http.fetch("thywill/health")).headers.get_list(ALLOWED)
    if plain or len(allowed) > 1 or (allowed and answer.code == "origin"):
        text = f"a proxy adds {ALLOWED}: browsers refuse answers that have it twice, and * with cookies"
        report.problem("origins", text, remedies.NO_CORS)
    elif answer.code == "origin" and origin:
        report.problem("origins", f"pages of {origin} are refused", remedies.ALLOW.format(origin))
    elif answer.code == "origin":
        report.good("origins", "pages of other origins are refused")
    elif allowed == [origin or FOREIGN_ORIGIN]:
        report.good("origins", f"pages of {origin or 'every other origin'} are allowed")
    else:
        text = f"{ALLOWED} does not arrive: pages of other origins cannot read the answer"
        report.problem("origins", text, remedies.NO_CORS)
    return report


async def probe_size(http: HttpClient, message: int) -> Report:
    """Check whether a message of the largest size, ``message`` bytes, gets through."""
    report = Report()
    body = {"token": probe.TOKEN, "messages": [[1, "x" * message]]}
    answer = await http.fetch("thywill/send", body=body, headers=TEXT)
    if answer.status == 413 and not answer.code:
        report.problem("size", f"a message of {message} bytes is too large for the proxy", remedies.BODY)
    elif answer.code in ("bad_token", "too_large"):
        report.good("size", f"a message of {message} bytes gets through")
    else:
        text = f"a message of {message} bytes is answered {answer.status}"
        report.problem("size", text, remedies.PROXY)
    return report


async def probe_files(http: HttpClient) -> Report:
    """Check static files: whether they arrive, how long they are cached, whether they are compressed."""
    report = Report()
    script = await http.fetch("static/0/client.js")
    if script.status != 200 or b"thywill" not in script.body:
        text = f"the browser client (static/…/client.js) is answered {script.status}"
        report.problem("files", text, remedies.PROXY if script.status >= 500 else remedies.STATIC)
        return report
    if "immutable" in script.headers.get("Cache-Control", ""):
        text = "browsers may keep a wrong version of a file for ever: a proxy changes Cache-Control"
        report.problem("files", text, remedies.STATIC)
        return report
    style = STYLE.search((await http.fetch("")).body.decode(errors="replace"))
    if style is not None and (found := await http.fetch(style[1])).status != 200:
        report.problem("files", f"{style[1]} is answered {found.status}", remedies.STATIC)
    elif not script.encoding:
        report.warn("files", "files are not compressed", remedies.GZIP_FILES)
    else:
        report.good("files", f"static files are there, compressed ({script.encoding})")
    return report
