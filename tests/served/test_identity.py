"""Who a visitor is: the application's ``authenticate``, tickets, and messages to a user."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, cast

import pytest

from tests.conftest import Start
from tests.support.members import Members
from tests.support.serving import Running, WireClient
from thywill.application_interface import local
from thywill.application_interface.local import LocalApplications
from thywill.client_interface.tornado import TornadoClientInterface
from thywill.tickets import make_ticket

pytestmark = pytest.mark.gen_test
SECRET = "a secret for tickets"
PACKAGES = {"applications": ["tests.support.members", "tests.support.probe"]}
PARTNER = "https://partner.example"


async def serve(start: Start, **changes: dict[str, Any]) -> Running:
    settings = {"ticket_secret": SECRET, "origins": [PARTNER]}
    return await start(application_interface=PACKAGES, client_interface=settings, **changes)


async def connect(
    running: Running,
    application: str = "members",
    *,
    member: str = "",
    ticket: str | None = None,
    **headers: str,
) -> tuple[int, Any]:
    """Return the status and the answer of ``connect``."""
    cookie = {"Cookie": f"a=b; member={member}"} if member else {}
    fields = {"application": application, **({"ticket": ticket} if ticket else {})}
    answer = await running.fetch("thywill/connect", fields, headers={**cookie, **headers})
    return answer.code, json.loads(answer.body)


async def client(running: Running, application: str = "members", **fields: Any) -> WireClient:
    status, answer = await connect(running, application, **fields)
    assert status == 200, answer
    found = WireClient(running, answer)
    await found.poll(hold=0)
    return found


def members(running: Running) -> Members:
    return cast(Members, cast(LocalApplications, running.service.applications).application("members"))


async def test_a_cookie_names_the_user(start: Start, http: str) -> None:
    running = await serve(start, server={"http": http})
    ada = await client(running, member="ada", **{"User-Agent": "Old Browser 6"})
    nobody = await client(running)
    assert (ada.answer["user"], nobody.answer.get("user")) == ({"id": "ada", "name": "Ada"}, None)
    await ada.send("who")
    await nobody.send("who")
    assert [await ada.receive(), await nobody.receive()] == [[["ada", "Ada"]], [None]]
    visitor = members(running).visitors[0]
    assert (visitor.application, visitor.address, visitor.headers["user-agent"]) == (
        "members",
        "127.0.0.1",
        "Old Browser 6",
    )


async def test_a_message_reaches_all_pages_of_a_user_and_nobody_else(start: Start) -> None:
    running = await serve(start, publishing={"keys": {"shop": "a key of the shop"}})
    one, other, bob = [await client(running, member=name) for name in ("ada", "ada", "bob")]
    await bob.send({"user": "ada", "data": "hello"})
    assert [await one.receive(), await other.receive()] == [["hello"], ["hello"]]
    sent = {"application": "members", "user": "bob", "data": "from outside"}
    await running.fetch("thywill/publish", sent, headers={"Authorization": "Bearer a key of the shop"})
    assert await bob.receive() == ["from outside"]
    assert (await one.poll(hold=0))["messages"] == []


@pytest.mark.parametrize(
    ("member", "status", "code", "message"),
    [
        ("banned", 403, "refused", "You are banned until Monday."),
        ("broken", 500, "failed", "the application failed to log you in"),
        ("wrong", 500, "failed", "the application failed to log you in"),
    ],
)
async def test_who_is_refused_and_why(
    start: Start, member: str, status: int, code: str, message: str
) -> None:
    running = await serve(start)
    found, answer = await connect(running, member=member)
    assert (found, answer["error"]) == (status, {"code": code, "message": message})
    page = await running.fetch("members/", headers={"Cookie": f"member={member}"})
    assert (page.code, message in page.body.decode()) == (status, True)
    assert not running.service.engine.directory.clients


async def test_an_application_that_does_not_answer(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "AUTHENTICATE_SECONDS", 0.05)
    running = await serve(start)
    status, answer = await connect(running, member="hangs")
    assert (status, answer["error"]["code"], answer["error"]["retry"] > 0) == (503, "unavailable", True)
    assert (await connect(running, "probe"))[0] == 200


async def test_the_page_is_that_of_the_user(start: Start, http: str) -> None:
    running = await serve(start, server={"http": http})
    by_cookie = (await running.fetch("members/", headers={"Cookie": "member=ada"})).body.decode()
    assert '"user":{"id":"ada","name":"Ada"}' in by_cookie
    ticket = make_ticket(SECRET, "17", name="Bob")
    for application in ("members", "probe"):
        page = await running.fetch(f"{application}/?ticket={ticket}")
        assert '"user":{"id":"17","name":"Bob"}' in page.body.decode()
        assert f"frame-ancestors 'self' {PARTNER}" in page.headers["Content-Security-Policy"]
    assert (await running.fetch("probe/?ticket=forged")).code == 401


async def test_a_page_of_another_origin_cannot_act_as_the_user_of_a_cookie(start: Start) -> None:
    running = await start(application_interface=PACKAGES, client_interface={"origins": ["*"]})
    assert "user" not in (await connect(running, member="ada", Origin="https://evil.example"))[1]


async def test_tickets(start: Start) -> None:
    running = await serve(start)
    status, answer = await connect(running, "probe", ticket=make_ticket(SECRET, "17", name="Zoë", seconds=60))
    assert (status, answer["user"]) == (200, {"id": "17", "name": "Zoë"})
    assert 5 < answer["ticket"] <= 60
    for ticket, reason in (
        (make_ticket("another", "17"), "not made with"),
        (make_ticket(SECRET, "17", seconds=-1), "expired"),
        (make_ticket(SECRET, "17", application="members"), "another application"),
        ("nonsense", "not made with"),
    ):
        status, answer = await connect(running, "probe", ticket=ticket)
        assert (status, answer["error"]["code"]) == (401, "bad_ticket")
        assert reason in answer["error"]["message"]


async def test_without_a_secret_no_ticket_is_valid(start: Start) -> None:
    running = await start()
    status, answer = await connect(running, "probe", ticket=make_ticket("", "17"))
    assert (status, answer["error"]["code"]) == (401, "bad_ticket")


async def test_a_ticket_is_renewed_without_losing_the_client(start: Start) -> None:
    running = await serve(start)
    found = await client(running, "probe", ticket=make_ticket(SECRET, "17", seconds=60))

    async def renew(ticket: str) -> tuple[int, Any]:
        answer = await running.fetch("thywill/ticket", {"token": found.token, "ticket": ticket})
        return answer.code, json.loads(answer.body)

    status, answer = await renew(make_ticket(SECRET, "17", seconds=600))
    assert (status, 500 < answer["ticket"] <= 600) == (200, True)
    status, answer = await renew(make_ticket(SECRET, "18"))
    assert (status, answer["error"]["message"]) == (401, "the ticket is for another user")
    assert (await renew("forged"))[0] == 401
    await end_expired(running)
    assert found.id in running.service.engine.directory.clients


async def end_expired(running: Running) -> None:
    await cast(TornadoClientInterface, running.service.client_interface).identities.end_expired()


async def test_a_client_ends_with_its_ticket(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    running = await serve(start)
    found = await client(running, "probe", ticket=make_ticket(SECRET, "17", seconds=60))
    other = await client(running, "probe")
    identities = cast(TornadoClientInterface, running.service.client_interface).identities
    polling = asyncio.ensure_future(found.poll())
    monkeypatch.setattr(identities, "_wall", lambda: time.time() + 61)
    await end_expired(running)
    error = (await polling)["error"]
    assert (error["code"], error["message"]) == ("gone", "the ticket has expired: log in again")
    assert list(running.service.engine.directory.clients) == [other.id]


async def test_the_user_is_kept_over_a_restart(start: Start) -> None:
    running = await serve(start, queue={"component": "database"})
    found = await client(running, ticket=make_ticket(SECRET, "17", name="Zoë", seconds=60))
    renewed = make_ticket(SECRET, "17", name="Zoë", seconds=600)
    await running.ask("ticket", {"token": found.token, "ticket": renewed})
    directory = running.service.engine.directory
    expires = directory.clients[found.id].identity.expires
    await running.stop()
    running = await serve(start, queue={"component": "database"})
    found.running = running
    assert running.service.engine.directory.clients[found.id].identity.expires == expires
    await found.send("who")
    assert await found.receive() == [["17", "Zoë"]]
    await found.send({"user": "17", "data": "again"})
    assert await found.receive() == ["again"]


async def test_a_person_is_kept_for_all_pages_of_a_browser_and_over_a_restart(start: Start) -> None:
    running = await serve(start)
    answer = await running.fetch("thywill/connect", {"application": "members"})
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    one = WireClient(running, json.loads(answer.body))
    await one.poll(hold=0)
    other, stranger = await client(running, Cookie=cookie), await client(running)
    await one.send({"set": {"name": "Ada"}}, "person")
    assert await one.receive() == [{"name": "Ada"}]
    await other.send({"set": {"colour": "red"}}, "person")
    await stranger.send("person")
    assert [await other.receive(), await stranger.receive()] == [[{"name": "Ada", "colour": "red"}], [{}]]
    await running.stop()
    running = await serve(start)
    again = await client(running, Cookie=cookie)
    await again.send("person")
    assert await again.receive() == [{"name": "Ada", "colour": "red"}]
