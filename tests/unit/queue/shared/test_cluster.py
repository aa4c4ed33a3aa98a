"""Several servers on one store: any server answers any request, and the loss of one loses nothing."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import Any, ClassVar

import pytest

from tests.support.cluster import Cluster, Server
from tests.support.lobby import Lobby, seen, start
from tests.support.serving import until
from thywill import Client
from thywill.core.message import Address, Message
from thywill.errors import Unavailable
from thywill.hub.ports import Elsewhere
from thywill.queue.shared.rows import Rewound

pytestmark = pytest.mark.gen_test


@pytest.fixture(autouse=True)
def fresh() -> None:
    Lobby.journal = []
    Lobby.gate = None


async def test_polls_and_sends_in_turns_bring_each_message_once_and_in_order() -> None:
    cluster = await start()
    page = await cluster.connected(cluster.servers[0])
    for number in range(30):
        await page.send(cluster.servers[number % 3], number)
    assert await page.receive(30, *cluster.servers[::-1]) == list(range(30))
    assert seen("message") == [(page.id, number) for number in range(30)]
    assert page.lost == 0
    await cluster.stop()


async def test_many_pages_at_random_servers() -> None:
    cluster, chance = await start(), random.Random(7)
    pages = [await cluster.connected(chance.choice(cluster.servers)) for _ in range(6)]
    await until(lambda: len(seen("connect")) == 6)
    await asyncio.gather(*(talk(cluster, page, chance.randrange(10**6)) for page in pages))
    got = pages[0].got
    assert len(got) == 6 * 20
    assert all(page.got == got and page.lost == 0 for page in pages)
    for page in pages:
        own = [number for name, number in got if name == page.id]
        assert own == list(range(20))
    await cluster.stop()


async def talk(cluster: Cluster, page: Any, seed: int) -> None:
    chance = random.Random(seed)

    async def send() -> None:
        for number in range(20):
            await page.send(chance.choice(cluster.servers), [page.id, number])

    async def receive() -> None:
        while len(page.got) < 120:
            poll = await page.poll(chance.choice(cluster.servers), 25.0)
            await until(partial(bool, poll.calls))

    await asyncio.gather(send(), receive())


async def test_a_send_does_not_move_the_client() -> None:
    cluster = await start()
    page = await cluster.connected(cluster.servers[0])
    parked = await page.poll(cluster.servers[0], 25.0)
    await page.send(cluster.servers[1], "hello")
    await until(lambda: bool(parked.calls))
    assert parked.calls == ["flush"]
    assert page.got == ["hello"]
    assert [len(server.room.directory) for server in cluster.servers] == [1, 0, 0]
    await cluster.stop()


async def test_the_server_that_loses_a_client_lets_its_poll_go() -> None:
    cluster = await start()
    page = await cluster.connected(cluster.servers[0])
    parked = await page.poll(cluster.servers[0], 25.0)
    again = await page.poll(cluster.servers[1], 25.0)
    await until(lambda: bool(parked.calls))
    assert (parked.calls, again.calls) == (["supersede"], [])
    assert [len(server.room.directory) for server in cluster.servers] == [0, 1, 0]
    await cluster.stop()


async def test_the_next_poll_of_a_connection_that_is_let_go_is_not_parked_there() -> None:
    cluster = await start()
    page = await cluster.connected(cluster.servers[0])
    parked, raised = await page.poll(cluster.servers[0], 25.0), []

    def poll_again() -> None:  # as the connection does that has the next request already
        with pytest.raises(Elsewhere) as caught:
            cluster.servers[0].hub.find(page.token)
        raised.append(caught)

    parked.after = poll_again
    await page.poll(cluster.servers[1], 25.0)
    await until(lambda: bool(raised))
    await cluster.stop()


async def test_a_client_is_claimed_while_messages_are_on_their_way() -> None:
    cluster = await start()
    page, other = await cluster.connected(cluster.servers[0]), await cluster.connected(cluster.servers[1])
    await until(lambda: len(seen("connect")) == 2)

    async def send() -> None:
        for number in range(200):
            await other.send(cluster.servers[number % 3], number)

    sending = asyncio.ensure_future(send())
    await page.receive(200, *cluster.servers)
    await sending
    assert page.got == list(range(200))
    await cluster.stop()


async def test_memberships_follow_the_order_of_the_log() -> None:
    cluster = await start()
    page, other = await cluster.connected(cluster.servers[0]), await cluster.connected(cluster.servers[1])
    await until(lambda: len(seen("connect")) == 2)
    await other.send(cluster.servers[2], "first")
    await page.send(cluster.servers[1], "away")
    await until(lambda: len(seen("message")) == 2)
    await other.send(cluster.servers[0], "not for the first page")
    await other.receive(3, cluster.servers[1])
    for server in cluster.servers:
        await page.poll(server)
    assert page.got == ["first"]
    assert other.got == ["first", "away", "not for the first page"]
    await cluster.stop()


# Leaders.


async def test_one_server_leads_and_the_next_takes_over() -> None:
    cluster = await start()
    leader = await cluster.leading()
    assert len([server for server in cluster.servers if server.leads()]) == 1
    other = cluster.others()[0]
    page = await cluster.connected(other)
    await page.send(other, "one")
    await page.receive(1, other)
    await leader.kill()
    assert cluster.leader() is None
    cluster.memory.now += 7
    await cluster.leading()
    await until(lambda: bool(seen("resume")))
    assert seen("start") == [(), ()]
    assert seen("resume") == [(page.id, {"count": 1}, ["lobby"])]
    assert seen("connect") == [(page.id,)]
    await page.send(other, "two")
    assert await page.receive(2, other) == ["one", "two"]
    await cluster.stop()


async def test_a_step_that_a_crash_interrupts_runs_again_and_sends_nothing_twice() -> None:
    cluster = await start()
    leader, Lobby.gate = await cluster.leading(), asyncio.Event()
    other = cluster.others()[0]
    page = await cluster.connected(other)
    await page.send(other, "one")
    await page.receive(1, other)
    await leader.kill()
    Lobby.gate.set()
    cluster.memory.now += 7
    await page.receive(2, other)
    await page.send(other, "two")
    await page.receive(4, *cluster.others())
    assert page.got == ["one", ["one", "after the gate"], "two", ["two", "after the gate"]]
    assert seen("message") == [(page.id, "one"), (page.id, "one"), (page.id, "two")]
    await until(lambda: cluster.memory.applications["chat"].clients[page.id].handled == 2)
    assert cluster.memory.applications["chat"].clients[page.id].data == '{"count":2}'
    assert not cluster.memory.applications["chat"].marks.get((page.id, 1))
    await cluster.stop()


async def test_a_deposed_leader_writes_nothing() -> None:
    cluster = await start()
    leader, Lobby.gate = await cluster.leading(), asyncio.Event()
    other = cluster.others()[0]
    page = await cluster.connected(other)
    await page.send(other, "one")
    await page.receive(1, other)
    # It is suspended for longer than its lease: another server leads, and has handled the step.
    cluster.memory.applications["chat"].until = 0.0
    cluster.memory.applications["chat"].leader = "somebody"
    cluster.memory.applications["chat"].fence += 1
    cluster.memory.applications["chat"].until = cluster.memory.now + 6
    Lobby.gate.set()
    await until(lambda: not leader.leads() and seen("stop") == [()])
    posted = len(cluster.memory.applications["chat"].log)
    assert cluster.memory.applications["chat"].clients[page.id].handled == 0
    cluster.memory.now += 7
    await cluster.leading()
    await page.receive(2, other)
    assert page.got == ["one", ["one", "after the gate"]]
    assert len(cluster.memory.applications["chat"].log) == posted + 1
    await cluster.stop()


async def test_a_leader_without_its_store_gives_up_and_comes_back() -> None:
    cluster = await start()
    leader = await cluster.leading()
    leader.store.fault = "away"
    leader.queue.leaders._monotonic = lambda: 1e9
    cluster.memory.now += 7
    await until(lambda: not leader.leads())
    assert await cluster.leading() is not leader
    leader.store.release_waiting()
    await until(lambda: not leader.queue.pipeline.failing)
    page = await cluster.connected(leader)
    await page.send(leader, "hello")
    assert await page.receive(1, leader) == ["hello"]
    await cluster.stop()


async def test_a_leader_that_is_elected_again_loses_no_message() -> None:
    cluster = await start()
    leader, carrier = await cluster.leading(), cluster.others()[0]
    page = await cluster.connected(carrier)
    await until(lambda: len(seen("connect")) == 1)
    led = leader.queue.leaders._led
    first = led["chat"].queue
    await first.append("chat", Address.channel("lobby"), Message(b'"one"'))
    first.until = 0.0  # its lease has passed by its own clock, and goes on in the store
    await until(lambda: leader.leads() and led["chat"].queue is not first)
    await led["chat"].queue.append("chat", Address.channel("lobby"), Message(b'"two"'))
    assert await page.receive(2, carrier) == ["one", "two"]
    assert led["chat"].queue.fence > first.fence
    await cluster.stop()


async def test_a_server_that_stops_hands_the_lead_over_at_once() -> None:
    cluster = await start()
    leader = await cluster.leading()
    await until(lambda: seen("start") == [()])
    await leader.stop()
    await until(lambda: seen("start") == [(), ()])
    assert seen("stop") == [()]
    await cluster.stop()


# The store.


async def test_the_store_is_away_and_comes_back() -> None:
    cluster = await start()
    page = await cluster.connected(cluster.servers[0])
    parked = await page.poll(cluster.servers[0], 25.0)
    for server in cluster.servers:
        server.store.fault = "away"
    with pytest.raises(Unavailable):
        await page.send(cluster.servers[1], "refused")
    page.sent -= 1
    assert parked.calls == []
    for server in cluster.servers:
        server.store.release_waiting()
    await send_at_last(page, cluster.servers[1], "accepted")
    await until(lambda: bool(parked.calls))
    assert page.got == ["accepted"]
    await cluster.stop()


async def send_at_last(page: Any, server: Server, data: Any) -> None:
    while True:
        try:
            await page.send(server, data)
        except Unavailable:
            page.sent -= 1
        else:
            return


async def test_a_batch_of_which_nobody_knows_whether_it_was_executed() -> None:
    cluster = await start()
    leader = await cluster.leading()
    page = await cluster.connected(cluster.others()[0])
    for number in range(20):
        leader.store.fault = ("unsure", "lost")[number % 2]
        await send_at_last(page, cluster.others()[0], number)
    assert await page.receive(20, *cluster.others()) == list(range(20))
    await cluster.stop()


async def test_a_store_that_has_lost_messages_ends_the_clients_that_were_there() -> None:
    cluster = await start()
    pages = [await cluster.connected(server) for server in cluster.servers]
    parked = [await page.poll(server, 25.0) for page, server in zip(pages, cluster.servers, strict=True)]
    there = cluster.memory.applications["chat"]
    there.last += 1
    there.log.append(Rewound("chat", there.last, "messages were lost"))
    cluster.memory.changed()
    await until(lambda: all(poll.calls for poll in parked))
    assert [poll.answer for poll in parked] == [{"gone": "messages were lost"}] * 3
    assert [len(server.room.directory) for server in cluster.servers] == [0, 0, 0]
    later = await cluster.connected(cluster.servers[1])
    await later.send(cluster.servers[0], "hello")
    assert await later.receive(1, *cluster.servers) == ["hello"]
    await cluster.stop()


async def test_the_servers_are_listed() -> None:
    cluster = await start()
    rows = {row.name: row.leads for row in await cluster.servers[0].queue.servers()}
    assert list(rows) == ["s1", "s2", "s3"]
    await until(lambda: cluster.leader() is not None)
    await cluster.stop()
    assert await cluster.servers[0].store.servers() == []


# Histories of channels.


class Board(Lobby):
    """Late clients get the history of the board."""

    history: ClassVar[dict[str, int]] = {"board": 3}

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "board", replay=True)

    async def on_message(self, client: Client, message: Any) -> None:
        await self.publish("board", message)


async def test_late_clients_get_the_past_also_on_the_next_leader() -> None:
    cluster = await Cluster({"chat": Board}).start(3)
    leader = await cluster.leading()
    follower = cluster.others()[0]
    first = await cluster.connected(follower)
    await first.send(follower, 1, 2, 3, 4)
    assert await first.receive(4, follower) == [1, 2, 3, 4]
    late = await cluster.connected(cluster.others()[1])
    assert await late.receive(1, follower) == [[[2, 3, 4], "pack"]]
    await leader.kill()
    cluster.memory.now += 7
    await cluster.leading()
    later = await cluster.connected(follower)
    assert await later.receive(1, follower) == [[[2, 3, 4], "pack"]]
    await first.send(follower, 5)
    assert await later.receive(2, follower) == [[[2, 3, 4], "pack"], 5]
    await cluster.stop()
