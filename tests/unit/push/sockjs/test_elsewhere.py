"""A SockJS session whose client is with another server when it shows the token."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.support.cluster import Cluster, ClusterPage, Server
from tests.support.serving import until
from tests.support.sockjs_fakes import FakeKeeper, FakeReply
from thywill import Application, Client
from thywill.push.base import read_items
from thywill.push.sockjs.client_session import ClientSession

pytestmark = pytest.mark.gen_test


class Lobby(Application):
    """Publishes what pages say to all of them."""

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "lobby")

    async def on_message(self, client: Client, message: Any) -> None:
        await self.publish("lobby", message)


class Stream:
    """A session with one stream at a server, opened by the page."""

    def __init__(self, server: Server, page: ClusterPage) -> None:
        self.keeper = FakeKeeper()
        items = partial(read_items, most=100, limit=10_000)
        self.session = ClientSession(server.hub, items, self.keeper, "name")
        self.session.join(FakeReply(self.keeper))
        self.session.receive([json.dumps({"token": page.token, "cursor": page.cursor})])

    @property
    def messages(self) -> list[Any]:
        """The data of the messages that it has written."""
        frames = [each for each in self.keeper.calls if isinstance(each, bytes) and each[:1] == b"a"]
        said = [json.loads(text) for frame in frames for text in json.loads(frame[1:])]
        return [item[1] for each in said for item in each.get("messages", ())]


async def two_pages() -> tuple[Cluster, ClusterPage, ClusterPage]:
    cluster = await Cluster({"chat": Lobby}).start(2)
    page, other = [await cluster.connected(server) for server in cluster.servers]
    await other.send(cluster.servers[1], "what waits")
    assert await other.receive(1, cluster.servers[1]) == ["what waits"]
    return cluster, page, other


async def test_what_waits_is_written_when_the_client_is_there() -> None:
    cluster, page, _ = await two_pages()
    stream = Stream(cluster.servers[1], page)
    await until(lambda: stream.messages == ["what waits"])
    await cluster.stop()


async def test_a_heartbeat_meanwhile_ends_nothing() -> None:
    cluster, page, _ = await two_pages()
    cluster.servers[1].store.fault = "slow"
    stream = Stream(cluster.servers[1], page)
    stream.session.overdue()
    assert stream.session.is_open
    cluster.servers[1].store.release_waiting()
    await until(lambda: stream.messages == ["what waits"])
    await cluster.stop()
