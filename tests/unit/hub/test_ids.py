from __future__ import annotations

import os
import re

from thywill.hub.ids import BLOCK, SIZE, IdGenerator


def test_ids_differ_and_need_no_escaping() -> None:
    ids = IdGenerator()
    made = [ids.next() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(re.fullmatch(r"[\w-]{24}", each, re.ASCII) for each in made)


def test_the_system_is_asked_for_a_block_at_a_time() -> None:
    asked: list[int] = []
    ids = IdGenerator(lambda size: asked.append(size) or os.urandom(size))  # type: ignore[func-returns-value]
    for _ in range(BLOCK // SIZE + 1):
        ids.next()
    assert asked == [BLOCK, BLOCK]


def test_no_byte_is_used_twice() -> None:
    ids = IdGenerator(lambda size: bytes(index // SIZE for index in range(size)))
    assert len({ids.next() for _ in range(BLOCK // SIZE)}) == BLOCK // SIZE
