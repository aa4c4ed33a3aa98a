"""A screen that nobody sees, for engines that cannot do without one."""

from __future__ import annotations

import subprocess

from tests.browser.drivers import DriverError, programs


class Screen:
    """An X server of its own; ``close`` it."""

    def __init__(self) -> None:
        xvfb = programs.require("Xvfb", "xvfb")
        size = ["-screen", "0", "1100x800x24"]
        self._process = subprocess.Popen(
            [xvfb, "-displayfd", "1", "-nolisten", "tcp", *size],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        number = self._process.stdout.readline().strip()
        if not number:
            self.close()
            raise DriverError("Xvfb did not start")
        self.display = f":{number}"

    def command(self, *command: str) -> list[str]:
        """Return ``command`` for this screen."""
        return ["env", f"DISPLAY={self.display}", *command]

    def close(self) -> None:
        self._process.terminate()  # killed, it would leave its lock behind
        self._process.communicate()
