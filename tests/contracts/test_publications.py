"""What every queue makes of messages from outside: all or none, and each id once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.queue_fakes import FakeDatabase, FakeStore
from thywill.core.message import Address, Message
from thywill.core.positions import EPOCH
from thywill.core.publication import Mark, Publication
from thywill.errors import Reused
from thywill.queue.base import Queue, QueueSettings
from thywill.queue.durable.queue import DatabaseQueue, DatabaseQueueSettings
from thywill.queue.memory import MemoryQueue

pytestmark = pytest.mark.gen_test
NEWS = Address.channel("news")
Make = Callable[[], Awaitable["Outlet"]]


class Outlet:
    """A queue, the clock that it goes by, and what it has delivered."""

    def __init__(self, kind: type[Queue], settings: QueueSettings) -> None:
        self.now = float(EPOCH)
        self.delivered: list[tuple[str, int, bytes]] = []
        wall: Any = {"wall": lambda: self.now}
        self.queue = kind(settings, FakeDatabase(FakeStore()), self, **wall)  # type: ignore[arg-type]

    def deliver(
        self, application: str, address: Address, message_id: int, message: Message, messages: Any
    ) -> None:
        self.delivered.append((application, message_id, message.data))


@pytest.fixture(params=["memory", "database"])
def make(request: pytest.FixtureRequest) -> Make:
    async def make() -> Outlet:
        if request.param == "memory":
            return Outlet(MemoryQueue, QueueSettings())
        outlet = Outlet(DatabaseQueue, DatabaseQueueSettings())
        await outlet.queue.start()
        return outlet

    return make


def news(data: bytes, publication_id: str | None = None, application: str = "chat") -> Publication:
    mark = publication_id and Mark.of(application, publication_id, NEWS, data.decode(), None)
    return Publication(application, NEWS, Message(data), mark or None)


async def test_ids_grow_and_are_those_that_are_delivered(make: Make) -> None:
    outlet = await make()
    first = await outlet.queue.publish([news(b"1"), news(b"2", application="echo"), news(b"3")])
    second = await outlet.queue.publish([news(b"4")])
    assert outlet.delivered == [
        ("chat", first[0], b"1"),
        ("echo", first[1], b"2"),
        ("chat", first[2], b"3"),
        ("chat", second[0], b"4"),
    ]
    assert first[0] < first[2] < second[0]


async def test_an_id_that_comes_again_is_sent_once(make: Make) -> None:
    outlet = await make()
    first = await outlet.queue.publish([news(b"1", "a"), news(b"2")])
    again = await outlet.queue.publish([news(b"3", "b"), news(b"1", "a"), news(b"3", "b")])
    assert again == [again[0], first[0], again[0]]
    assert [data for _, _, data in outlet.delivered] == [b"1", b"2", b"3"]


async def test_a_batch_with_an_id_of_another_message_is_refused_as_a_whole(make: Make) -> None:
    outlet = await make()
    await outlet.queue.publish([news(b"1", "a")])
    with pytest.raises(Reused):
        await outlet.queue.publish([news(b"2", "b"), news(b"2", "a")])
    assert [data for _, _, data in outlet.delivered] == [b"1"]
    await outlet.queue.publish([news(b"5", "b")])


async def test_an_id_is_forgotten_after_the_age(make: Make) -> None:
    outlet = await make()
    first = await outlet.queue.publish([news(b"1", "a")])
    outlet.now += 3599.0
    assert await outlet.queue.publish([news(b"1", "a")]) == first
    outlet.now += 1.0
    assert await outlet.queue.publish([news(b"1", "a")]) > first
