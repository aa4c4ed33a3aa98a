"""Three servers, each a process, that share a Redis; a test kills the one that leads an application."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.command import wait_for
from tests.support.redis_servers import RedisServer
from tests.support.served import Served, page


class ThreeServers:
    """The servers that run, in ``running``.

    Args:
        folder: for their data, a folder for each.
        settings: further settings of all.
    """

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.redis = RedisServer("redis", "appendonly yes")
        self.running: list[Served] = []
        self._folder = folder
        self._settings = folder / "settings.toml"
        self._settings.write_text(self.redis.settings(folder / "secret") + settings)

    def add(self, name: str, port: int = 0) -> Served:
        """Start a server with its own folder; one that was killed goes on with its name and port."""
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        self.running.append(Served(folder, "--config", str(self._settings), port=port))
        return self.running[-1]

    def kill(self, served: Served) -> None:
        """End a server as ``kill -9`` does."""
        self.running.remove(served)
        served.kill()

    def start_again(self, killed: Served) -> Served:
        """Start a server that was killed, where its pages look for it."""
        return self.add(killed.log.parent.name, killed.port)

    def leader(self, application: str) -> Served:
        """Return the server that leads an application."""
        found: list[Served] = []
        wait_for(lambda: found.extend(self._leaders(application)) or found)
        return found[0]

    def kill_leader(self, application: str) -> Served:
        """Kill the server that leads an application; return it."""
        leader = self.leader(application)
        self.kill(leader)
        return leader

    def wait_for_leader_of_all(self, served: Served, applications: Iterable[str]) -> None:
        """Wait until one server leads these applications."""
        wait_for(lambda: all(self._leaders(each) == [served] for each in applications))

    def _leaders(self, application: str) -> list[Served]:
        # The list is up to two seconds old.
        rows: list[dict[str, Any]] = json.loads(page(self.running[0].port, "/thywill/servers"))["servers"]
        processes = [row["process"] for row in rows if application in row["leads"]]
        return [each for each in self.running if each.process.pid in processes]

    def close(self) -> None:
        """End all of them, and Redis."""
        for served in self.running:
            served.kill()
        self.redis.close()
