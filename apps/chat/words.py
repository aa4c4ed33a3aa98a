"""Cleans and limits the texts of people: their names, the names of rooms, and messages."""

from __future__ import annotations

import re
import unicodedata
import zlib
from typing import Final

from thywill import RpcError

NAME_LIMIT: Final = 24
ROOM_LIMIT: Final = 32
TEXT_LIMIT: Final = 2_000
PER_CHARACTER: Final = 20
"""A name with more code points than this for each allowed character is not normalized. It is too long in any
case, and to normalize a name of 30,000 accents would hold the server for seconds."""

# Control characters but tab and line feed, and lone surrogates: JSON may contain these, but UTF-8 may not.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Invisible characters, and those that reverse the direction of the text after a name. The joiners U+200C and
# U+200D are allowed, since Persian names and many emoji need them.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_EMPTY_LINES: Final = re.compile(r"\n{3,}")

_KINDS: Final = (
    "Amber Brave Bright Calm Clever Cosy Curious Eager Fair Gentle Golden Happy Jolly Kind Lively Lucky Merry"
    " Misty Nimble Noble Patient Proud Quick Quiet Rapid Royal Silver Sunny Swift Tidy Warm Witty"
)
_ANIMALS: Final = (
    "Badger Beaver Bear Crane Dolphin Falcon Finch Fox Gull Hare Hedgehog Heron Ibis Koala Lark Lynx Marten"
    " Mole Moose Newt Otter Owl Panda Penguin Puffin Raven Robin Seal Stork Swan Turtle Wren"
)


def clean_name(value: str) -> str:
    """Return a person's name on one line, without control characters.

    Raises:
        RpcError: it is empty or too long.
    """
    return _one_line(value, "name", NAME_LIMIT)


def clean_room(value: str) -> str:
    """Return a room's name on one line, without control characters; errors as for ``clean_name``."""
    return _one_line(value, "room's name", ROOM_LIMIT)


def clean_text(value: str) -> str:
    """Return a message's text without control characters and repeated empty lines.

    Raises:
        RpcError: it is empty or too long.
    """
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    text = _EMPTY_LINES.sub("\n\n", _UNPRINTABLE.sub("", text)).strip()
    return _limited(text, "message", TEXT_LIMIT)


def guest_name(person_id: str) -> str:
    """Return the name of a person who has not chosen one: always the same, such as "Quiet Otter"."""
    number, kinds, animals = zlib.crc32(person_id.encode()), _KINDS.split(), _ANIMALS.split()
    return f"{kinds[number % len(kinds)]} {animals[number // len(kinds) % len(animals)]}"


def _one_line(value: str, what: str, limit: int) -> str:
    words = " ".join(value.split())
    words = _INVISIBLE.sub("", _UNPRINTABLE.sub("", words)).strip()
    if len(words) <= PER_CHARACTER * limit:
        words = unicodedata.normalize("NFC", words)
    if not any(unicodedata.category(character)[0] in "LNPS" for character in words):
        words = ""
    return _limited(words, what, limit)


def _limited(text: str, what: str, limit: int) -> str:
    if not text:
        raise RpcError("empty", f"A {what} cannot be empty.")
    if len(text) > limit:
        raise RpcError("too_long", f"A {what} has at most {limit:,} characters; this one has {len(text):,}.")
    return text
