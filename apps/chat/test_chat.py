"""The chat with its pages."""

from __future__ import annotations

from typing import Any
from unittest import IsolatedAsyncioTestCase

import pytest

from apps.chat import KEPT, MESSAGES, Chat
from apps.chat.rooms import LOBBY, Rooms
from apps.chat.words import TEXT_LIMIT, guest_name
from thywill import RpcError
from thywill.testing import BrowserPage, RunningApplication, run

App = RunningApplication[Chat]


def of(messages: list[Any], kind: str) -> list[Any]:
    return [message for message in messages if message["type"] == kind]


async def enter(app: App, name: str, room: str = LOBBY, **options: Any) -> BrowserPage:
    page = await app.connect(**options)
    await page.call("enter", room)
    await page.call("rename", name)
    return page


async def texts(page: BrowserPage, kind: str = "said") -> list[str]:
    return [message["text"] for message in of(await page.all(), kind)]


async def listed(page: BrowserPage) -> dict[str, int]:
    """Return the list of rooms, as the page has it after all that has come."""
    rooms: dict[str, int] = {}
    for message in await page.all():
        if message["type"] == "rooms":
            rooms = {room["name"]: room["people"] for room in message["rooms"]}
        if message["type"] == "room":
            rooms[message["name"]] = message["people"]
            if message["removed"]:
                del rooms[message["name"]]
    return rooms


class TestRooms(IsolatedAsyncioTestCase):
    async def test_people_of_a_room_hear_one_another(self) -> None:
        async with run(Chat) as app:
            ada, ben, cem = await enter(app, "Ada"), await enter(app, "Ben"), await enter(app, "Cem", "Tea")
            await ada.call("say", LOBBY, "hello", 7)
            (said,) = of(await ben.all(), "said")
            assert said["person"] == {"id": ada.client.person_id, "name": "Ada"}
            assert (said["text"], said["tag"]) == ("hello", 7)
            assert await texts(ada) == ["hello"]
            assert await texts(cem) == []

    async def test_whoever_enters_gets_the_past_and_then_who_is_here(self) -> None:
        async with run(Chat) as app:
            ada = await enter(app, "Ada")
            for number in range(3):
                await ada.call("say", LOBBY, str(number))
            ben = await app.connect()
            reply = await ben.call("enter", LOBBY)
            messages = [each for each in await ben.all() if each["type"] not in {"rooms", "room"}]
            assert [each["type"] for each in messages] == ["entered", "said", "said", "said", "people"]
            assert (
                messages[0]["you"]
                == reply["you"]
                == {"id": ben.client.person_id, "name": guest_name(ben.client.person_id)}
            )
            assert [each["name"] for each in messages[-1]["people"]] == ["Ada", reply["you"]["name"]]
            assert len((await ben.next_presence())["joined"]) == 2

    async def test_the_name_is_known_before_the_person_joins(self) -> None:
        async with run(Chat) as app:
            ada = await enter(app, "Ada")
            await ada.all()
            ben = await enter(app, "Ben")
            (event,) = of(await ada.all(), "person")
            assert event["person"]["id"] == ben.client.person_id

    async def test_a_reload_is_no_leaving(self) -> None:
        async with run(Chat) as app:
            ada, ben = await enter(app, "Ada"), await enter(app, "Ben")
            ada.presence.clear()
            second = await app.connect(session=ben.session)
            await ben.leave()
            assert (await second.call("enter", LOBBY))["you"] == {"id": ben.client.person_id, "name": "Ben"}
            await app.advance(10)
            assert not ada.presence
            assert (await listed(ada))[LOBBY] == 2
            await second.leave()
            await app.advance(6)
            assert (await ada.next_presence())["left"] == [{"id": ben.client.person_id}]
            assert (await listed(ada))[LOBBY] == 1

    async def test_a_room_is_kept_as_long_as_what_was_said_in_it(self) -> None:
        async with run(Chat) as app:
            watcher, ada, ben = (
                await app.connect(),
                await enter(app, "Ada", "Tea"),
                await enter(app, "B", "Cake"),
            )
            await ada.call("say", "Tea", "keep this")
            await ada.leave()
            await ben.leave()
            await app.advance(6)
            assert await listed(watcher) == {LOBBY: 0, "Tea": 0}
            again = await enter(app, "Ada", "tea", session=ada.session)
            assert await texts(again) == ["keep this"]
            app.application._rooms.open("Tea")[0].until -= KEPT + 1
            await again.leave()
            await app.advance(61)
            assert (await listed(watcher)) == {}

    async def test_somebody_in_another_room_cannot_speak_here(self) -> None:
        async with run(Chat) as app:
            ada = await enter(app, "Ada", "Tea")
            for room in (LOBBY, "nowhere"):
                with pytest.raises(RpcError, match="not_in_room"):
                    await ada.call("say", room, "hello")

    async def test_a_room_that_cannot_be_entered_leaves_the_page_where_it_is(self) -> None:
        async with run(Chat) as app:
            ada = await enter(app, "Ada")
            with pytest.raises(RpcError, match="empty"):
                await ada.call("enter", " \u200b ")
            await ada.call("say", LOBBY, "still here")
            assert await texts(ada) == ["still here"]

    async def test_a_new_name_is_told_and_stays(self) -> None:
        async with run(Chat) as app:
            ada, ben = await enter(app, "Ada"), await enter(app, "Ben")
            await ben.all()
            assert await ada.call("rename", " Count\u202eess ") == "Countess"
            await ada.call("rename", "Countess")
            (event,) = of(await ben.all(), "renamed")
            assert (event["was"], event["person"]["name"]) == ("Ada", "Countess")
            await ada.call("say", LOBBY, "hello")
            assert of(await ben.all(), "said")[0]["person"]["name"] == "Countess"

    async def test_rooms_are_in_the_list_again_after_a_restart(self) -> None:
        async with run(Chat) as app:
            ada = await enter(app, "Ada", "Tea")
            await ada.call("say", "Tea", "hello")
            app.application._rooms = Rooms()
            await ada.leave()
            again = await app.connect(session=ada.session)
            assert await listed(again) == {LOBBY: 0, "Tea": 0}

    async def test_what_is_wrong_is_answered_by_name(self) -> None:
        async with run(Chat) as app:
            ada = await enter(app, "Ada")
            for arguments in ([LOBBY, 5], [LOBBY, "a", "b"], [LOBBY, "a", -1], [LOBBY, "a", 2**53], [LOBBY]):
                with pytest.raises(RpcError, match="malformed"):
                    await ada.call("say", *arguments)
            with pytest.raises(RpcError, match="too_long"):
                await ada.call("say", LOBBY, "x" * (TEXT_LIMIT + 1))
            await ada.send({"type": "shout"})
            assert (await ada.next_error())["code"] == "malformed"

    async def test_a_page_that_talks_without_end_is_stopped(self) -> None:
        async with run(Chat) as app:
            ada = await enter(app, "Ada")
            for _ in range(MESSAGES):
                await ada.call("say", LOBBY, "spam")
            with pytest.raises(RpcError, match="too_many"):
                await ada.call("say", LOBBY, "spam")


class TestPrivate(IsolatedAsyncioTestCase):
    async def test_only_the_two_get_it_on_all_of_their_pages(self) -> None:
        async with run(Chat) as app:
            ada, ben, cem = [await enter(app, name) for name in ("Ada", "Ben", "Cem")]
            second = await app.connect(session=ben.session)
            await ada.call("write", ben.client.person_id, "psst", 3)
            for page in (ada, ben, second):
                (letter,) = of(await page.all(), "private")
                assert (letter["person"]["name"], letter["to"]["name"]) == ("Ada", "Ben")
                assert (letter["text"], letter["tag"]) == ("psst", 3)
            assert await texts(cem, "private") == []

    async def test_it_is_there_after_a_reload(self) -> None:
        async with run(Chat) as app:
            ada, ben = await enter(app, "Ada"), await enter(app, "Ben")
            await ada.call("write", ben.client.person_id, "psst")
            for page in (ada, ben):
                again = await app.connect(session=page.session)
                assert await texts(again, "private") == ["psst"]
                await again.call("letters")
                assert await texts(again, "private") == ["psst"]

    async def test_nobody_writes_to_those_who_are_not_here(self) -> None:
        async with run(Chat) as app:
            ada, ben = await enter(app, "Ada"), await enter(app, "Ben")
            await ben.leave()
            await app.advance(6)
            for person in (ben.client.person_id, "nobody", ""):
                with pytest.raises(RpcError, match="gone"):
                    await ada.call("write", person, "hello")

    async def test_a_note_to_oneself_comes_once(self) -> None:
        async with run(Chat) as app:
            ada = await enter(app, "Ada")
            await ada.call("write", ada.client.person_id, "remember")
            assert await texts(ada, "private") == ["remember"]


class TestTyping(IsolatedAsyncioTestCase):
    async def test_the_room_or_the_other_one_sees_it(self) -> None:
        async with run(Chat) as app:
            ada, ben, cem = [await enter(app, name) for name in ("Ada", "Ben", "Cem")]
            await ada.send({"type": "typing"})
            for page in (ben, cem):
                (sign,) = of(await page.all(), "typing")
                assert (sign["person"]["name"], sign["private"]) == ("Ada", False)
            await ada.send({"type": "typing", "to": ben.client.person_id})
            assert [sign["private"] for sign in of(await ben.all(), "typing")] == [True]
            assert of(await cem.all(), "typing") == []

    async def test_it_is_limited(self) -> None:
        async with run(Chat) as app:
            ada = await enter(app, "Ada")
            await ada.send(*[{"type": "typing"}] * 20)
            assert (await ada.next_error())["code"] == "too_many"

    async def test_a_page_that_is_in_no_room_tells_nobody(self) -> None:
        async with run(Chat) as app:
            page = await app.connect()
            await page.send({"type": "typing"})
            assert not page.errors
