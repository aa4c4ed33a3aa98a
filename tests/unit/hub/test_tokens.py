"""Whom a token lets in."""

from __future__ import annotations

import pytest

from tests.support.hub_fakes import AWAY, SECRET, TIMING, WALL, World
from thywill.core.signing import Signer
from thywill.errors import BadToken, Gone, RequestError
from thywill.hub.directory import PURPOSE

STRANGER = Signer(b"another secret of 32 bytes or so")
SAME = Signer(SECRET)
LATER = WALL + 1000


def refusal(world: World, token: str) -> type[RequestError]:
    with pytest.raises(RequestError) as raised:
        world.hub.find(token)
    return raised.type


def test_a_token_finds_its_client() -> None:
    world = World()
    first, second = world.create(), world.create()
    assert world.hub.find(first.token) is first
    assert world.hub.find(second.token) is second


def test_a_token_is_signed_for_its_client_and_its_time() -> None:
    world = World()
    client = world.create()
    assert world.signer.verify(PURPOSE, client.token, WALL + TIMING.token) == client.id
    with pytest.raises(BadToken):
        world.signer.verify(PURPOSE, client.token, WALL + TIMING.token + 1)


def test_the_token_of_a_client_that_is_here_does_not_expire() -> None:
    world = World()
    client = world.create()
    world.now += TIMING.token + 1
    assert world.hub.find(client.token) is client


@pytest.mark.parametrize("index", [0, 23, 24, 25, 32, 33, 34, -1])
def test_a_token_that_was_changed_is_bad(index: int) -> None:
    world = World()
    token = world.create().token
    place = index % len(token)
    changed = token[:place] + ("b" if token[place] == "a" else "a") + token[place + 1 :]
    assert refusal(world, changed) is BadToken


@pytest.mark.parametrize("length", [0, 1, 23, 24, 25, 33, 34, 55])
def test_a_token_that_was_cut_is_bad(length: int) -> None:
    world = World()
    token = world.create().token
    assert len(token) == 56
    assert refusal(world, token[:length]) is BadToken
    assert refusal(world, token[56 - length :]) is BadToken
    assert refusal(world, token + "a") is BadToken


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é", "\ud83d", "\0"])
def test_any_other_text_is_a_bad_token(token: str) -> None:
    assert refusal(World(), token) is BadToken


@pytest.mark.parametrize("more", ["é", "\ud83d", "\uff10"])
def test_a_token_that_is_not_ascii_is_bad_even_with_the_id_of_a_live_client(more: str) -> None:
    world = World()
    client = world.create()
    assert refusal(world, client.token + more) is BadToken
    assert refusal(world, f"{client.id}.{more}") is BadToken


def test_the_id_of_a_client_is_no_token() -> None:
    world = World()
    client = world.create()
    assert refusal(world, client.id) is BadToken
    assert refusal(world, STRANGER.sign(PURPOSE, client.id, LATER)) is BadToken
    assert refusal(world, SAME.sign("session", client.id, LATER)) is BadToken


def test_the_token_of_a_client_that_is_gone_says_so_until_it_expires() -> None:
    world = World()
    client = world.connect()
    world.hub.leave(client)
    assert refusal(world, client.token) is Gone
    world.now += TIMING.token
    assert refusal(world, client.token) is Gone
    world.now += 1
    assert refusal(world, client.token) is BadToken


def test_the_reason_of_an_end_is_only_for_the_owner_of_the_token() -> None:
    world = World()
    client = world.connect()
    world.actions.disconnect(client, "you were rude")
    assert refusal(world, client.id) is BadToken
    assert refusal(world, STRANGER.sign(PURPOSE, client.id, LATER)) is BadToken


def test_a_token_from_before_a_restart_is_good_but_its_client_is_gone() -> None:
    assert World().reason(World().create()) == AWAY
