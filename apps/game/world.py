"""The world of the game: players, gems and what happens to them in one step. Pure: no clock, no network.

The world is 1000 by 600 units; x grows to the right and y downwards. A player is a disc that moves with a
constant speed in the ordered direction, or stands, and collects the gems that it touches. A browser decides
only the direction: with thousands of orders a second, or with nonsense, a player is no faster than others.

    step 1   Ann at (100, 100) has heading 0: she moves to (111, 100).
    step 2   She is at (122, 100) and touches the gem at (150, 110): her score is 1, and a new gem appears.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

STEPS = 20
"""Steps per second."""
WIDTH, HEIGHT = 1000, 600
RADIUS = 18
REACH = 32
"""A player collects a gem within this distance of the player's centre, in units."""
SPEED = 220 / STEPS
"""Units per step."""
PLAYERS = 8
GEMS = 10
STAR = 5
"""The points for a star; a gem is 1 point."""
STARS = 0.12
"""The share of stars among new gems."""
COMPANY = 3
"""Bots join until this many play, so that nobody plays alone."""
BOT_NAMES = ("Robo", "Tin", "Gizmo")


@dataclass(slots=True)
class Player:
    """A player or a bot.

    Args:
        id: a small number, the player's id in messages.
        name: the name that people see.
        x, y: the place, in units.
        heading: the direction, in degrees clockwise from the right; None if the player stands.
        score: the points that it has collected.
        last: the number of its last order.
        is_bot: whether the world steers it.
    """

    id: int
    name: str
    x: float
    y: float
    heading: float | None = None
    score: int = 0
    last: int = 0
    is_bot: bool = False

    def state(self) -> list[int]:
        """Return the fields that browsers get: id, x, y, heading (-1: it stands), score, last order."""
        heading = -1 if self.heading is None else round(self.heading)
        return [self.id, round(self.x), round(self.y), heading, self.score, self.last]


@dataclass(slots=True)
class Gem:
    """Something to collect, worth ``value`` points."""

    x: int
    y: int
    value: int

    def state(self) -> list[int]:
        """Return the fields that browsers get: x, y and value."""
        return [self.x, self.y, self.value]


@dataclass(slots=True)
class World:
    """All players and gems.

    Args:
        chance: the source of random places.
    """

    chance: random.Random = field(default_factory=random.Random)
    players: dict[int, Player] = field(default_factory=dict)
    gems: list[Gem] = field(default_factory=list)
    tick: int = 0

    def __post_init__(self) -> None:
        self.gems = [self._gem() for _ in range(GEMS)]

    @property
    def people(self) -> int:
        """The number of players that are no bots."""
        return sum(not player.is_bot for player in self.players.values())

    def join(self, name: str, score: int = 0) -> Player | None:
        """Return a new player, or None if the world is full."""
        if self.people >= PLAYERS:
            return None
        player = self._add(name, is_bot=False)
        player.score = score
        self._balance()
        return player

    def leave(self, player_id: int) -> None:
        """Remove a player; nothing happens if there is no such player."""
        self.players.pop(player_id, None)
        self._balance()

    def steer(self, player_id: int, heading: float | None, number: int) -> None:
        """Give a player an order, unless the player has a newer one.

        Args:
            player_id: the player's id.
            heading: the direction in degrees, or None to stand.
            number: the number of the order; each browser counts its own orders.
        """
        player = self.players[player_id]
        if number > player.last:
            player.last = number
            player.heading = None if heading is None else heading % 360

    def step(self) -> bool:
        """Move all players by one step, and let them collect gems; return whether somebody has."""
        self.tick += 1
        for player in self.players.values():
            if player.is_bot:
                self._think(player)
            _move(player)
        collected = [self._collect(player) for player in self.players.values()]
        return any(collected)

    def state(self) -> dict[str, object]:
        """Return everything that a browser draws: the tick ``t``, the players ``p`` and the gems ``g``."""
        return {
            "t": self.tick,
            "p": [player.state() for player in self.players.values()],
            "g": [gem.state() for gem in self.gems],
        }

    def _add(self, name: str, *, is_bot: bool) -> Player:
        number = next(each for each in range(1, PLAYERS + COMPANY + 1) if each not in self.players)
        x, y = self._place()
        player = self.players[number] = Player(number, name, x, y, is_bot=is_bot)
        return player

    def _balance(self) -> None:
        """Let bots come or go, so that ``COMPANY`` play while anybody does."""
        bots = [player for player in self.players.values() if player.is_bot]
        wanted = max(COMPANY - self.people, 0) if self.people else 0
        for bot in bots[wanted:]:
            del self.players[bot.id]
        for name in BOT_NAMES[len(bots) : wanted]:
            self._add(name, is_bot=True)

    def _place(self) -> tuple[int, int]:
        edge = 2 * RADIUS
        return self.chance.randrange(edge, WIDTH - edge), self.chance.randrange(edge, HEIGHT - edge)

    def _gem(self) -> Gem:
        return Gem(*self._place(), STAR if self.chance.random() < STARS else 1)

    def _think(self, bot: Player) -> None:
        # Bots think only twice a second, so that people can win; each thinks in another step.
        if (self.tick + bot.id * 3) % (STEPS // 2):
            return
        gem = min(self.gems, key=lambda each: math.dist((bot.x, bot.y), (each.x, each.y)) / each.value)
        aim = math.degrees(math.atan2(gem.y - bot.y, gem.x - bot.x))
        bot.heading = (aim + self.chance.uniform(-25, 25)) % 360

    def _collect(self, player: Player) -> bool:
        before = player.score
        for place, gem in enumerate(self.gems):
            if math.dist((player.x, player.y), (gem.x, gem.y)) <= REACH:
                player.score += gem.value
                self.gems[place] = self._gem()
        return player.score > before


def _move(player: Player) -> None:
    if player.heading is None:
        return
    angle = math.radians(player.heading)
    player.x = min(max(player.x + SPEED * math.cos(angle), RADIUS), WIDTH - RADIUS)
    player.y = min(max(player.y + SPEED * math.sin(angle), RADIUS), HEIGHT - RADIUS)
