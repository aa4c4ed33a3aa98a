"""The image of ``conf/Dockerfile``: every instruction is executed, and a container of it serves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.drivers.programs import provide
from tests.support.built_image import PATH, Stage, build, can_build, prepare_wheels
from tests.support.command import free_port, wait_for

pytestmark = pytest.mark.skipif(not can_build(), reason="only root may mount an overlay")
STOP = 20.0


@contextmanager
def container(image: Stage, port: int) -> Iterator[int]:
    """Run the image as ``docker run --read-only`` does; yield its process 1, seen from here."""
    volume, root = image.path("/var/lib/thywill"), image.folder / "root"
    mounts = f"mount --bind {volume} {root}/var/lib/thywill; mount -o remount,ro,bind {root}"
    env = {"PATH": PATH, **image.env, "THYWILL_SERVER_ADDRESS": "127.0.0.1", "THYWILL_SERVER_PORT": str(port)}
    log = image.folder / "log"
    with log.open("w") as said:
        process = subprocess.Popen(
            image.command(image.entrypoint, env, mounts), stdout=subprocess.PIPE, stderr=said, text=True
        )
    try:
        assert process.stdout is not None
        assert f":{port}/" in process.stdout.readline(), log.read_text()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield int(children[0])
        assert process.wait(STOP) == 0, log.read_text()
    finally:
        process.kill()
        process.communicate()


def inside(process: int, image: Stage, words: list[str], port: int) -> int:
    """Return the status of a command that runs in the container, as its user."""
    user, group = image.user.split(":")
    command = ["nsenter", f"--target={process}", "--mount", "--pid", "--root", f"--setuid={user}"]
    env = {"PATH": PATH, "THYWILL_SERVER_PORT": str(port)}
    done = subprocess.run(
        [*command, f"--setgid={group}", *words], env=env, capture_output=True, timeout=60, check=False
    )
    return done.returncode


def test_every_line_is_executed_and_the_container_serves(tmp_path: Path) -> None:
    image = build(tmp_path, provide(prepare_wheels))
    user = next(
        line for line in image.path("/etc/passwd").read_text().splitlines() if line.startswith("thywill:")
    )
    assert user == "thywill:x:10001:10001::/var/lib/thywill:/usr/sbin/nologin"
    data = image.path("/var/lib/thywill")
    assert (data.stat().st_uid, data.stat().st_gid, data.stat().st_mode & 0o777) == (10001, 10001, 0o700)
    assert list(image.path("/srv/packages").rglob("hiredis*.so"))
    assert list(image.path("/srv/packages/lib").rglob("tornado/__pycache__/web.*.pyc"))
    port = free_port()
    with container(image, port) as process:
        status = Path(f"/proc/{process}/status").read_text()
        assert re.search(r"NSpid:\t\d+\t1\n", status)
        assert re.search(r"Uid:\t10001\t10001\t10001\t10001\n", status)
        assert inside(process, image, image.health, port) == 0
        assert inside(process, image, ["touch", "/srv/thywill/written"], port) != 0
        assert inside(process, image, ["touch", "/var/lib/thywill/written"], port) == 0
        os.kill(process, signal.SIGTERM)
        wait_for(lambda: inside(process, image, image.health, port) != 0)
    assert {path.name for path in data.iterdir()} >= {"secret", "thywill.db", "written"}
    assert not list(image.path("/srv/thywill").rglob("written"))
