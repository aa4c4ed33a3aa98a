"""What a server asks the others, by notes that the store carries."""

from __future__ import annotations

import pytest

from tests.support.cluster import Cluster
from tests.support.serving import until
from thywill import Application, Client
from thywill.errors import Gone
from thywill.queue.shared import questions

pytestmark = pytest.mark.gen_test


class Quiet(Application):
    """Does nothing."""

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "lobby")


async def started() -> Cluster:
    return await Cluster({"chat": Quiet}).start(3)


async def test_all_others_answer() -> None:
    cluster = await started()
    one, two, three = cluster.servers
    asked = await one.queue.ask_servers(b"who")
    assert sorted(asked.bodies) == [f"who {each.name}".encode() for each in (two, three)]
    assert asked.silent == ()
    await cluster.stop()


async def test_who_does_not_answer_is_named() -> None:
    cluster = await started()
    one, two, three = cluster.servers
    one.queue.questions._patience = 0.05
    await two.kill()
    asked = await one.queue.ask_servers(b"who")
    assert asked.bodies == (f"who {three.name}".encode(),)
    assert asked.silent == (two.name,)
    await cluster.stop()


async def test_an_answer_that_fails_and_a_note_that_is_none_harm_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = await started()
    one, two, three = cluster.servers
    one.queue.questions._patience = 0.05

    async def fail(_question: bytes) -> bytes:
        raise RuntimeError("it fails")

    two.queue.questions._answer = fail
    asked = await one.queue.ask_servers(b"who")
    assert asked == questions.Answers((f"who {three.name}".encode(),), (two.name,))
    assert "could not be answered" in caplog.text
    await one.store.send([(three.name, b"\xc1")])
    assert (await one.queue.ask_servers(b"who")).bodies == (f"who {three.name}".encode(),)
    assert "cannot be read" in caplog.text
    await cluster.stop()


async def test_while_the_store_is_away_nobody_answers() -> None:
    cluster = await started()
    one = cluster.servers[0]
    one.store.fault = "away"
    assert await one.queue.ask_servers(b"who") == ((), ())
    one.store.fault = None
    await cluster.stop()


async def test_a_client_of_a_server_that_has_ended_is_stored_and_can_be_ended() -> None:
    cluster = await started()
    one, two, three = cluster.servers
    page = await cluster.connected(two)
    clients = cluster.memory.applications["chat"].clients
    await until(lambda: page.id in clients and clients[page.id].connected)
    await two.kill()
    stored = await one.queue.stored_client(page.id)
    assert stored is not None
    assert (stored.record.session, stored.record.application, stored.record.state) == (
        "ann",
        "chat",
        "detached",
    )
    assert await one.queue.stored_client("chat~nobody") is None
    assert await one.queue.stored_client("nobody") is None
    one.queue.end_client(page.id, "enough")
    await until(lambda: page.id not in clients or clients[page.id].gone == "enough")
    with pytest.raises(Gone, match="enough"):
        await page.poll(three)
    await cluster.stop()
