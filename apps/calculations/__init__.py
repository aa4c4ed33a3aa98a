"""Calculations: calls with typed arguments. Long calls report their progress, and can be cancelled.

``sums.py`` calculates, ``slices.py`` lets all calculations take turns, and ``forms.py`` describes the calls,
so that the page can make its forms from their annotations alone.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from msgspec import Meta

from apps.calculations import sums
from apps.calculations.forms import describe
from apps.calculations.slices import Slices
from thywill import Client, Configuration, Cuttable, RpcError, rpc

STEPS = 50
"""How many times a calculation reports its progress, at most."""
EACH = 3
"""How many calculations one browser may have at a time."""
ALL = 30
"""How many calculations all browsers may have at a time."""
SECONDS = 60.0
"""A calculation that takes longer is stopped."""
CALLS, PERIOD = 20, 10.0
"""How many calls a page may make in so many seconds."""

Job = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""The page's own number of a calculation."""
Key = tuple[str, int]
"""A client's id, and its number of a calculation."""


class Calculations(Cuttable):
    """Each call is one calculation. Its parts and its progress are messages; its result is the reply."""

    title = "Calculations"
    description = "Let the server calculate: primes, pi and fractals, with progress, and stopped at will."
    icon = "icon.svg"
    page = "calculations.html"
    scripts = ["dom.js", "picture.js", "forms.js", "jobs.js", "calculations.js"]
    styles = ["calculations.css"]
    overflow = "conflate"

    def __init__(self) -> None:
        self._slices = Slices()
        self._running: dict[Key, asyncio.Task[dict[str, Any]]] = {}
        self._sessions: dict[Key, str] = {}

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        super().bootstrap(client, configuration)
        kind = type(self)
        methods = (kind.mandelbrot, kind.primes, kind.digit_of_pi, kind.letters)
        configuration.parameters["calculations"] = [describe(method) for method in methods]

    @rpc(concurrent=True)
    async def mandelbrot(
        self,
        client: Client,
        job: Job,
        view: Literal["whole", "seahorses", "elephants", "spiral"] = "whole",
        width: Annotated[int, Meta(ge=16, le=320, title="Width in pixels")] = 240,
        depth: Annotated[int, Meta(ge=10, le=1000)] = 200,
    ) -> dict[str, Any]:
        """A fractal.

        The set of Mandelbrot, row by row, as the server calculates them.
        """
        return await self._run(client, job, sums.mandelbrot(sums.VIEWS[view], width, depth))

    @rpc(concurrent=True)
    async def primes(
        self, client: Client, job: Job, up_to: Annotated[int, Meta(ge=2, le=100_000_000)] = 10_000_000
    ) -> dict[str, Any]:
        """Count the primes.

        How many there are up to a number, and the largest of them.
        """
        return await self._run(client, job, sums.primes(up_to))

    @rpc(concurrent=True)
    async def digit_of_pi(
        self, client: Client, job: Job, place: Annotated[int, Meta(ge=1, le=10_000)] = 1_000
    ) -> dict[str, Any]:
        """A digit of pi.

        Which digit stands at a place after the point.
        """
        return await self._run(client, job, sums.digit_of_pi(place))

    @rpc(concurrent=True)
    async def letters(
        self,
        client: Client,
        job: Job,
        text: Annotated[str, Meta(min_length=1, max_length=15_000)],
        ignore_case: bool = False,
    ) -> dict[str, Any]:
        """Count the letters.

        Which characters are the most frequent in a text.
        """
        return await self._run(client, job, sums.letters(text, ignore_case=ignore_case))

    @rpc
    async def cancel(self, client: Client, job: Job) -> bool:
        """Cancel a calculation of this page; return whether it was running."""
        task = self._running.get((client.id, job))
        return task is not None and task.cancel()

    async def _run(self, client: Client, job: int, steps: sums.Steps) -> dict[str, Any]:
        await client.limit("calculations", CALLS, per=PERIOD)
        key = client.id, job
        self._check_room(client, key)
        task = self._running[key] = asyncio.ensure_future(self._calculate(client, job, steps))
        self._sessions[key] = client.session
        try:
            async with asyncio.timeout(SECONDS):
                return await task
        except TimeoutError:
            raise RpcError("too_long", f"It took longer than {SECONDS:.0f} seconds.") from None
        except asyncio.CancelledError:
            # Either the page has cancelled the calculation, or this call is cancelled, as its page has gone.
            if (current := asyncio.current_task()) is not None and current.cancelling():
                raise
            raise RpcError("cancelled", "You have cancelled it.") from None
        finally:
            del self._running[key], self._sessions[key]

    def _check_room(self, client: Client, key: Key) -> None:
        if key in self._running:
            raise RpcError("busy", "A calculation of this number is running already.")
        if sum(session == client.session for session in self._sessions.values()) >= EACH:
            raise RpcError("busy", f"{EACH} of yours are running: wait for one of them, or cancel it.")
        if len(self._running) >= ALL:
            raise RpcError("busy", "The server is busy with the calculations of others: try again soon.")

    async def _calculate(self, client: Client, job: int, steps: sums.Steps) -> dict[str, Any]:
        result: dict[str, Any] = {}
        told = 0
        async for step in self._slices.run(steps, result):
            if isinstance(step, dict):
                await client.send({"type": "part", "job": job, **step})
            # Reported by steps, not by time: a calculation that runs again must send the same messages.
            elif int(step * STEPS) > told:
                told = int(step * STEPS)
                await client.send({"type": "progress", "job": job, "done": step}, key=f"progress {job}")
        return result
