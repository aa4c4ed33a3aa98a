"""What authors call: mistakes are told at the call, and a client is limited by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.hub_fakes import World, run
from thywill.application import Application, make_application
from thywill.errors import LimitReached


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def application(world: World) -> Application:
    return make_application(Application, (), "chat", world.actions, 1000)


def test_a_client_in_the_place_of_its_id_is_told(world: World, application: Application) -> None:
    client = application.handle(world.connect())
    with pytest.raises(TypeError, match=r"^a client's id is a text, not Client: pass its id$"):
        run(application.send(client, "hello"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^a session's id is a text, not Client: pass its id$"):
        run(application.send_to_session(client, "hello"))  # type: ignore[arg-type]
    run(application.send(client.id, "hello"))
    run(application.send_to_session(client.session, "hello"))
    assert [data for _, _, data, _ in world.queue.appended] == [b'"hello"', b'"hello"']


@pytest.mark.parametrize("channel", [5, None, b"lobby", ["lobby"]])
def test_a_channel_that_is_no_text_is_told(world: World, application: Application, channel: Any) -> None:
    client = application.handle(world.connect())
    for call in (
        application.publish(channel, "hello"),
        application.subscribe(client, channel),
        application.unsubscribe(client, channel),
    ):
        with pytest.raises(TypeError, match=f"^a channel is a text, not {type(channel).__name__}$"):
            run(call)
    assert world.queue.appended == []
    assert client.channels == []


def test_two_objects_of_one_client_are_equal(world: World, application: Application) -> None:
    live, other = world.connect(), world.connect()
    one, two = application.handle(live), application.handle(live)
    assert one == two
    assert (one != two) is False
    assert {one, two, application.handle(other)} == {one, application.handle(other)}
    assert one != application.handle(other)


def test_what_is_no_client_is_put_into_no_channel(world: World, application: Application) -> None:
    client = world.connect()
    with pytest.raises(TypeError, match=r"^this is the id of a client: pass the client, or client.session$"):
        run(application.subscribe(client.id, "lobby"))
    with pytest.raises(TypeError, match=r"^a client is the object that hooks get, not LiveClient$"):
        run(application.subscribe(client, "lobby"))  # type: ignore[arg-type]


def test_a_client_that_does_something_too_often_is_refused(world: World, application: Application) -> None:
    client = application.handle(world.connect())
    for _ in range(5):
        run(client.limit("chat", 5, per=10))
    with pytest.raises(LimitReached) as raised:
        run(client.limit("chat", 5, per=10))
    assert (raised.value.code, raised.value.retry) == ("too_many", pytest.approx(2))
    assert raised.value.message == "This is too often: try again in 2 s."
    world.now += 2
    run(client.limit("chat", 5, per=10))
    assert world.meter.limited == {"application": 1}


def test_the_network_of_a_client(world: World, application: Application) -> None:
    live = world.connect()
    client = application.handle(live)
    live.address = "192.0.2.1"
    assert client.network == "192.0.2.1"
    live.address = "2001:db8:0:1::5"
    assert client.network == "2001:db8:0:1::/64"
