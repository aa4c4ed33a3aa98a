"""Cleans and limits what people write: their names, the names of rooms, and messages."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

NAME_LIMIT: Final = 24
ROOM_LIMIT: Final = 32
TEXT_LIMIT: Final = 2_000

# Control characters but tab and line feed, and lone surrogates: JSON may contain these, but UTF-8 may not.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Invisible characters, and those that reverse the direction of the text after a name. The joiners U+200C and
# U+200D are allowed, since Persian names and many emoji need them.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_EMPTY_LINES: Final = re.compile(r"\n{3,}")


class ChatError(Exception):
    """Somebody asked for something that the chat cannot do.

    Args:
        code: a short word that the page's code can compare.
        message: a sentence for the person who asked.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def clean_name(value: Any) -> str:
    """Return a person's name on one line, without control characters, or raise ``ChatError``."""
    return _one_line(value, "name", NAME_LIMIT)


def clean_room(value: Any) -> str:
    """Return a room's name on one line, without control characters, or raise ``ChatError``."""
    return _one_line(value, "room's name", ROOM_LIMIT)


def clean_text(value: Any) -> str:
    """Return a message's text without control characters and repeated empty lines, or raise ``ChatError``."""
    text = _string(value, "message").replace("\r\n", "\n").replace("\r", "\n")
    text = _EMPTY_LINES.sub("\n\n", _UNPRINTABLE.sub("", text)).strip()
    return _limited(text, "message", TEXT_LIMIT)


def _one_line(value: Any, what: str, limit: int) -> str:
    words = " ".join(_string(value, what).split())
    words = _INVISIBLE.sub("", _UNPRINTABLE.sub("", words)).strip()
    words = unicodedata.normalize("NFC", words)
    if not any(unicodedata.category(character)[0] in "LNPS" for character in words):
        words = ""
    return _limited(words, what, limit)


def _string(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    raise ChatError("malformed", f"A {what} has to be a text.")


def _limited(text: str, what: str, limit: int) -> str:
    if not text:
        raise ChatError("empty", f"A {what} cannot be empty.")
    if len(text) > limit:
        raise ChatError("too_long", f"A {what} has at most {limit:,} characters; this one has {len(text):,}.")
    return text
