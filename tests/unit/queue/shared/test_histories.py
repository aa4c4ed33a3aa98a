"""Histories of channels with a queue that servers share: the store keeps them, whichever server published."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from tests.support.cluster import Cluster
from tests.support.serving import until
from thywill import Application, Client
from thywill.core.message import Address, Message
from thywill.core.publication import Publication
from thywill.errors import SettingsError
from thywill.queue.shared.names import check_names

pytestmark = pytest.mark.gen_test


class Board(Application):
    """Late clients get the history of the board."""

    history: ClassVar[dict[str, int]] = {"board": 3}

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "board", replay=True)

    async def on_message(self, client: Client, message: Any) -> None:
        if message == "past":
            await client.send(["past", *self.past("board")])
        else:
            await self.publish("board", message)


async def test_what_is_published_from_outside_is_in_the_past() -> None:
    cluster = await Cluster({"chat": Board}).start(3)
    await cluster.leading()
    follower = cluster.others()[0]
    board = Address.channel("board")
    for data in (b"1", b"2"):
        await follower.queue.publish([Publication("chat", board, Message(data), None)])
    await follower.queue.append("chat", board, Message(b"3"))
    late = await cluster.connected(follower)
    assert await late.receive(1, follower) == [[[1, 2, 3], "pack"]]
    await cluster.stop()


async def test_the_past_outlives_the_leader_and_the_log() -> None:
    cluster = await Cluster({"chat": Board}).start(3)
    leader = await cluster.leading()
    follower = cluster.others()[0]
    first = await cluster.connected(follower)
    await first.send(follower, 1, 2, 3, 4)
    await first.receive(4, follower)
    there = cluster.memory.applications["chat"]
    there.log, there.trimmed = [], there.last
    await leader.kill()
    cluster.memory.now += 7
    await cluster.leading()
    later = await cluster.connected(follower)
    assert await later.receive(1, follower) == [[[2, 3, 4], "pack"]]
    await first.send(follower, 5)
    assert await later.receive(2, follower) == [[[2, 3, 4], "pack"], 5]
    await cluster.stop()


async def test_hooks_see_the_past_also_on_the_next_leader() -> None:
    cluster = await Cluster({"chat": Board}).start(3)
    leader = await cluster.leading()
    follower = cluster.others()[0]
    page = await cluster.connected(follower)
    await page.send(follower, 1, 2)
    await page.receive(2, follower)
    await leader.kill()
    cluster.memory.now += 7
    await cluster.leading()
    board = Address.channel("board")
    await follower.queue.publish([Publication("chat", board, Message(b"3"), None)])
    await page.receive(3, follower)
    await page.send(follower, "past")
    assert (await page.receive(4, follower))[3] == ["past", 1, 2, 3]
    await cluster.stop()


async def test_messages_of_clients_that_have_moved_are_counted_once() -> None:
    cluster = await Cluster({"chat": Board}).start(2)
    one, two = cluster.servers
    pages = [await cluster.connected(one) for _ in range(2)]
    clients = cluster.memory.applications["chat"].clients
    await until(lambda: all(page.id in clients and clients[page.id].channels for page in pages))
    await pages[0].send(one, "x")
    await until(lambda: len(one.queue.logs["chat"]) == 1)
    assert len(two.queue.logs["chat"]) == 0
    for page in pages:
        await page.receive(1, two)
        assert len(two.queue.logs["chat"]) == 1
    for page in pages:
        await page.poll(two)  # acknowledges it
    assert len(two.queue.logs["chat"]) == 0
    await cluster.stop()


def test_a_name_that_is_too_long_is_refused_at_the_start() -> None:
    check_names(["a" * 39])
    with pytest.raises(SettingsError, match="has 40 characters, and may have 39"):
        check_names(["chat", "a" * 40])
