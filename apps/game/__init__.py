"""Gems: a game for two to eight players in real time, 20 steps a second, over every transport.

The server decides everything. A page sends the direction in which its player wants to go, and gets the world
after each step; a page that reads too slowly gets the newest world only (``overflow = "conflate"``).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from typing import Any

from apps.game.world import STEPS, Player, World
from thywill import Client, Cuttable

log = logging.getLogger(__name__)

CHANNEL = "arena"
NAME = 16
"""The largest number of characters in a name."""
SEATS = 2
"""Places that the pages of one browser may have, so that nobody takes all places with a few tabs."""
REMEMBERED = 1000
"""How many visitors' names and scores are remembered after they have left."""
ORDERS = 30
"""Orders that a page may send in a second; a person sends fewer."""
LARGEST = 2**53 - 1
"""The largest number of an order. A larger one cannot be sent, so nobody would get the world."""


class Game(Cuttable):
    title = "Gems"
    description = "Collect gems faster than the others: real-time, 20 steps a second."
    icon = "icon.svg"
    page = "game.html"
    scripts = ["motion.js", "view.js", "steer.js", "game.js"]
    styles = ["game.css"]
    overflow = "conflate"

    def __init__(self) -> None:
        self.world = World()
        self._players: dict[str, Player] = {}
        self._scores: dict[str, tuple[str, int]] = {}
        self._waiting: dict[str, Client] = {}
        self._seats: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    # Coming and going.

    async def on_connect(self, client: Client) -> None:
        client.data.setdefault("name", "")
        await self._enter(client)

    async def on_resume(self, client: Client) -> None:
        await self._enter(client)

    async def on_disconnect(self, client: Client) -> None:
        self._waiting.pop(client.id, None)
        player = self._players.pop(client.id, None)
        if player is None:
            return
        self._seats[client.session] -= 1
        self._seats += Counter()  # drops sessions without a player
        self._remember(client.session, player)
        self.world.leave(player.id)
        await self._seat_next()
        await self._tell_players()

    async def _enter(self, client: Client) -> None:
        await self.subscribe(client, CHANNEL)
        await self._seat(client)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _seat(self, client: Client) -> None:
        if self._seats[client.session] >= SEATS:
            self._waiting[client.id] = client
            await client.send({"type": "tabs"})
            return
        name, score = self._known(client)
        player = self.world.join(name or f"Guest {len(self._players) + 1}", score)
        if player is None:
            self._waiting[client.id] = client
            await client.send({"type": "full"})
            return
        self._players[client.id] = player
        self._seats[client.session] += 1
        self._take_score(client, player)
        await client.send({"type": "you", "id": player.id, "tick": self.world.tick, "steps": STEPS})
        await self._tell_players()

    async def _seat_next(self) -> None:
        for client in self._waiting.values():
            if self._seats[client.session] < SEATS:
                del self._waiting[client.id]
                await self._seat(client)
                return

    def _known(self, client: Client) -> tuple[str, int]:
        """Return the name and the score with which a client goes on."""
        if "score" in client.data:  # it has played on a server that was killed
            return client.data["name"], client.data["score"]
        return self._scores.get(client.session, (client.data["name"], 0))

    def _take_score(self, client: Client, player: Player) -> None:
        """Keep the score only with the client, so that no second tab of its browser gets it, too."""
        client.data.update(name=player.name, score=player.score)
        if client.session in self._scores:
            self._scores[client.session] = player.name, 0

    def _remember(self, session: str, player: Player) -> None:
        _, before = self._scores.pop(session, ("", 0))
        self._scores[session] = player.name, max(player.score, before)
        if len(self._scores) > REMEMBERED:
            del self._scores[next(iter(self._scores))]

    async def _tell_players(self) -> None:
        names = {str(player.id): [player.name, player.is_bot] for player in self.world.players.values()}
        await self.publish(CHANNEL, {"type": "players", "players": names}, key="players")

    # Orders.

    async def on_message(self, client: Client, message: Any) -> None:
        player = self._players.get(client.id)
        if player is None or not isinstance(message, dict):
            return
        if message.get("type") == "name":
            await self._rename(client, player, message.get("name"))
            return
        await client.limit("orders", ORDERS, per=1)
        heading, number = message.get("h"), _number(message.get("n"))
        if number is not None and (heading is None or _number(heading) is not None):
            self.world.steer(player.id, _number(heading), int(number))

    async def _rename(self, client: Client, player: Player, name: Any) -> None:
        await client.limit("names", 5, per=10)
        if isinstance(name, str) and name.strip():
            client.data["name"] = player.name = " ".join(name.split())[:NAME]
            await self._tell_players()

    # Time.

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due, pause = loop.time(), 1 / STEPS
        while self._players or self._waiting:
            try:
                await self._step()
            except Exception:
                log.exception("a step of the game failed")
            # Steps that were missed because the machine was busy are left out.
            due = max(due + pause, loop.time() - pause)
            await asyncio.sleep(due - loop.time())

    async def _step(self) -> None:
        if self.world.step():
            self._save_scores()
        state = {"type": "state", "w": int(time.time() * 1000), **self.world.state()}
        await self.publish(CHANNEL, state, key="state")

    def _save_scores(self) -> None:
        for client in self.clients(CHANNEL):
            player = self._players.get(client.id)
            if player is not None and client.data.get("score") != player.score:
                client.data["score"] = player.score

    async def on_stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _number(value: Any) -> float | None:
    """Return ``value`` if it is a number that can be sent back to pages; otherwise None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        return None
    return float(value)
