"""The connection between a server and its parent."""

from __future__ import annotations

import asyncio
import socket

import pytest

from thywill.process.child import LONGEST, READY, ParentLink, send_number


def test_a_server_knows_its_place_and_says_that_it_is_ready() -> None:
    parent, child = socket.socketpair()
    with parent, child:
        send_number(parent, 2, 4)
        link = ParentLink(child)
        assert link.place == "2 of 4"
        link.ready()
        assert parent.recv(LONGEST) == READY


@pytest.mark.gen_test
async def test_a_server_notices_the_end_of_its_parent() -> None:
    parent, child = socket.socketpair()
    with child:
        send_number(parent, 1, 2)
        link = ParentLink(child)
        gone = asyncio.Event()
        link.watch(gone.set)
        parent.close()
        await asyncio.wait_for(gone.wait(), 30)
        link.ready()  # it has nobody to tell, and fails without a word
