"""The calculations, as generators: each yields often, and returns its result.

A generator yields its progress (a number from 0 to 1), a part of the result (a dict), or None where it can be
interrupted. Between two yields it runs for a few milliseconds at most. Pure: no clock and no client, and the
same arguments yield the same steps, so that a calculation can run again after a crash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from math import isqrt
from typing import Any, Final, NamedTuple

Step = float | dict[str, Any]
Steps = Generator[Step | None, None, dict[str, Any]]

SEGMENT: Final = 1 << 16
"""How many numbers are sieved at a time."""
LARGEST_SHOWN: Final = 10
CONTEXT: Final = 10
"""How many digits are shown before the wanted one."""
PIECE: Final = 4_000
"""How many characters are counted at a time."""
PIXELS: Final = 8
"""How many pixels are calculated at a time."""


def primes(up_to: int) -> Steps:
    """Count the primes up to a number, by sieving one segment after another."""
    small = _small_primes(isqrt(up_to))
    count, largest = 0, list[int]()
    for start in range(0, up_to + 1, SEGMENT):
        found = _sieve(start, min(start + SEGMENT, up_to + 1), small)
        count += len(found)
        largest = [*largest, *found][-LARGEST_SHOWN:]
        yield min(1.0, (start + SEGMENT) / (up_to + 1))
    return {"count": count, "largest": largest}


def _small_primes(limit: int) -> list[int]:
    marks = bytearray([1]) * (limit + 1)
    for number in range(2, isqrt(limit) + 1):
        if marks[number]:
            marks[number * number :: number] = bytes(len(range(number * number, limit + 1, number)))
    return [number for number in range(2, limit + 1) if marks[number]]


def _sieve(start: int, end: int, small: list[int]) -> list[int]:
    marks = bytearray([1]) * (end - start)
    for prime in small:
        first = max(prime * prime, -(-start // prime) * prime)
        if first < end:
            marks[first - start :: prime] = bytes(len(range(first, end, prime)))
    return [start + place for place, mark in enumerate(marks) if mark and start + place > 1]


def digit_of_pi(place: int) -> Steps:
    """Return a digit of pi after the point, by Gibbons' spigot, which computes one digit after another."""
    digits = list[int]()
    spigot = _digits_of_pi()
    while len(digits) <= place:
        digit = next(spigot)
        if digit is not None:
            digits.append(digit)
        # A later digit takes longer than an earlier one: the numbers grow.
        yield None if digit is None else (len(digits) / (place + 1)) ** 2
    before = "".join(map(str, digits[max(1, place - CONTEXT) : place]))
    return {"digit": digits[place], "before": before}


def _digits_of_pi() -> Generator[int | None, None, None]:
    """Yield the digits of pi, beginning with 3, and None for a step without a digit."""
    q, r, t, k, n, m = 1, 0, 1, 1, 3, 3
    while True:
        if 4 * q + r - t < n * t:
            yield n
            q, r, n = 10 * q, 10 * (r - n * t), (10 * (3 * q + r)) // t - 10 * n
        else:
            yield None
            q, r, t, k, n, m = (
                q * k,
                (2 * q + r) * m,
                t * m,
                k + 1,
                (q * (7 * k + 2) + r * m) // (t * m),
                m + 2,
            )


class View(NamedTuple):
    """A part of the plane: its centre, and its width."""

    x: float
    y: float
    width: float


VIEWS: Final = {
    "whole": View(-0.65, 0.0, 3.1),
    "seahorses": View(-0.7453, 0.1127, 0.0065),
    "elephants": View(0.2821, 0.0095, 0.012),
    "spiral": View(-0.088, 0.654, 0.012),
}
SHADES: Final = "0123456789abcdefghijklmnopqrstuv"
"""A row of a picture is a text with one of these for each pixel; the last one stands for the set itself."""
RATIO: Final = 0.75


def mandelbrot(view: View, width: int, depth: int) -> Steps:
    """Draw the set of Mandelbrot, one row after another: ``{"row": number, "pixels": text}``."""
    height = round(width * RATIO)
    scale = view.width / width
    for row in range(height):
        y = view.y + (height / 2 - row) * scale
        pixels = ""
        for column in range(0, width, PIXELS):
            places = range(column, min(column + PIXELS, width))
            pixels += "".join(_shade(view.x + (each - width / 2) * scale, y, depth) for each in places)
            yield None
        yield {"row": row, "pixels": pixels}
        yield (row + 1) / height
    return {"width": width, "height": height}


def _shade(x: float, y: float, depth: int) -> str:
    c, z = complex(x, y), 0j
    for step in range(depth):
        z = z * z + c
        if z.real * z.real + z.imag * z.imag > 4:
            return SHADES[step % (len(SHADES) - 1)]
    return SHADES[-1]


def letters(text: str, *, ignore_case: bool) -> Steps:
    """Count the characters of a text."""
    count = Counter[str]()
    for start in range(0, len(text), PIECE):
        piece = text[start : start + PIECE]
        count.update(piece.casefold() if ignore_case else piece)
        yield min(1.0, (start + PIECE) / len(text))
    most = [[letter, number] for letter, number in count.most_common(10) if not letter.isspace()]
    return {"characters": len(text), "different": len(count), "most": most}
