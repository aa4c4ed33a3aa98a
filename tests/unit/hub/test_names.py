from __future__ import annotations

import os
import re

from thywill.hub.names import BLOCK, SIZE, Names


def test_names_differ_and_need_no_escaping() -> None:
    names = Names()
    made = [names.next() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(re.fullmatch(r"[\w-]{24}", name, re.ASCII) for name in made)


def test_the_system_is_asked_for_a_block_at_a_time() -> None:
    asked: list[int] = []
    names = Names(lambda size: asked.append(size) or os.urandom(size))  # type: ignore[func-returns-value]
    for _ in range(BLOCK // SIZE + 1):
        names.next()
    assert asked == [BLOCK, BLOCK]


def test_no_byte_is_used_twice() -> None:
    names = Names(lambda size: bytes(index // SIZE for index in range(size)))
    assert len({names.next() for _ in range(BLOCK // SIZE)}) == BLOCK // SIZE
