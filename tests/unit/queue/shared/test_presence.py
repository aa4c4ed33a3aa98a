"""Who is there, where several servers share a queue: a person counts once, wherever the pages are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from tests.support.cluster import Cluster, ClusterPage, Server
from tests.support.serving import until
from thywill import Application, Client
from thywill.core.person import public_id

pytestmark = pytest.mark.gen_test

ANN, BOB = {"id": public_id("ann")}, {"id": public_id("bob")}


class Lobby(Application):
    """Everybody is in the lobby. ``journal`` has who joins and leaves."""

    presence: ClassVar[list[str]] = ["lobby"]
    leave_after = 0.05
    journal: ClassVar[list[tuple[str, Any]]] = []

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "lobby")

    async def on_join(self, channel: str, person: Any) -> None:
        self.journal.append(("join", person))

    async def on_leave(self, channel: str, person: Any) -> None:
        self.journal.append(("leave", person))


@pytest.fixture(autouse=True)
def fresh() -> None:
    Lobby.journal = []


def events(page: ClusterPage) -> list[tuple[Any, Any]]:
    """Return who has joined and left, as the page was told."""
    told = [each[0] for each in page.got if isinstance(each, list) and each[1] == "presence"]
    return [(event["joined"], event["left"]) for event in told]


async def told(page: ClusterPage, count: int, *servers: Server) -> Sequence[tuple[Any, Any]]:
    await page.receive(count, *servers)
    return events(page)


async def test_a_person_with_pages_at_two_servers_joins_and_leaves_once() -> None:
    cluster = await Cluster({"chat": Lobby}).start(3)
    one, two, three = cluster.servers
    watching = await cluster.connected(one, session="bob")
    assert await told(watching, 1, one) == [([BOB], [])]
    first = await cluster.connected(two, session="ann")
    assert await told(watching, 2, one, three) == [([BOB], []), ([ANN], [])]
    second = await cluster.connected(three, session="ann")
    assert await told(second, 1, three) == [([BOB, ANN], [])]
    two.hub.leave(two.hub.find_anywhere(first.token))
    await until(lambda: first.id not in cluster.memory.applications["chat"].clients)
    one.hub.leave(one.hub.find_anywhere(second.token))
    assert (await told(watching, 3, three, one))[2:] == [([], [ANN])]
    await until(lambda: len(Lobby.journal) == 3)
    assert Lobby.journal == [("join", BOB), ("join", ANN), ("leave", ANN)]
    await cluster.stop()


async def test_the_next_leader_tells_who_is_there() -> None:
    cluster = await Cluster({"chat": Lobby}).start(3)
    leader = await cluster.leading()
    one, two = cluster.others()
    pages = [await cluster.connected(one, session="ann"), await cluster.connected(two, session="bob")]
    for page in pages:
        await page.receive(1, one, two)
    await until(lambda: len(Lobby.journal) == 2)
    seen = [len(page.got) for page in pages]
    await leader.kill()
    cluster.memory.now += 7
    for page, before in zip(pages, seen, strict=True):
        await until(lambda: cluster.leader() is not None)
        while not any(each[0].get("reset") for each in page.got if isinstance(each, list)):
            await page.receive(len(page.got) + 1, one, two)
        joined, left = events(page)[-1]
        assert (sorted(each["id"] for each in joined), left) == (sorted((ANN["id"], BOB["id"])), [])
        assert len(page.got) > before
    assert len(Lobby.journal) == 2  # nobody has joined again
    await cluster.stop()
