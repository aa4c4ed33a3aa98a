"""``conf/Dockerfile`` and ``conf/compose.yaml``: what they say, line by line."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Start
from tests.gate.environment import ROOT
from tests.support.command import free_port
from tests.support.dockerfile import all_of, instructions
from thywill.component import Choice
from thywill.config import ServerSettings, Settings
from thywill.http.proxies import TrustedProxies
from thywill.process import descriptors
from thywill.queue.base import Queue
from thywill.server import COMPONENTS

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "conf" / "compose.yaml").read_text(encoding="utf-8"))
NGINX = (ROOT / "conf" / "nginx.conf").read_text(encoding="utf-8")
SERVERS = ("thywill1", "thywill2", "thywill3")
KNOWN = {
    "FROM", "COPY", "RUN", "WORKDIR", "ENV", "VOLUME", "EXPOSE", "USER", "STOPSIGNAL", "HEALTHCHECK",
    "ENTRYPOINT",
}  # fmt: skip


# The Dockerfile.


def test_every_instruction_is_one() -> None:
    assert {each.name for each in instructions()} == KNOWN
    assert [rest.split()[0] for rest in all_of("FROM")] == ["python:3.12-slim"] * 2


def test_what_is_copied_is_there_and_is_sent_to_the_builder() -> None:
    ignored = (ROOT / "conf" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source for rest in all_of("COPY") if not rest.startswith("--from") for source in rest.split()[:-1]
    }
    assert copied == sent
    assert all((ROOT / source).exists() for source in copied)


def test_the_container_runs_as_a_user_who_is_not_root_and_without_a_shell() -> None:
    names = [each.name for each in instructions()]
    (user,) = all_of("USER")
    assert 0 not in [int(number) for number in user.split(":")]
    assert names.index("USER") < names.index("ENTRYPOINT")
    (command,) = all_of("ENTRYPOINT")
    assert json.loads(command)[-1] == "/srv/thywill/run.py"
    assert all_of("STOPSIGNAL") == ["SIGTERM"]


def test_its_settings_are_settings() -> None:
    environment = dict(re.findall(r"(THYWILL_\w+)=(\S+)", all_of("ENV")[0]))
    server = Settings({}, "settings", environment=environment).section("server", ServerSettings)
    assert (server.address, [server.data]) == ("0.0.0.0", all_of("VOLUME"))
    assert all_of("EXPOSE") == [str(server.port)]


@pytest.mark.gen_test
async def test_its_health_is_asked_of_ready(start: Start) -> None:
    running = await start()
    (check,) = all_of("HEALTHCHECK")
    _, _, code = json.loads(check.partition("CMD ")[2])
    port = running.base.rstrip("/").rpartition(":")[2]
    assert await status_of(code, port) == 0
    running.service.engine.drain.begin(0)
    assert await status_of(code, port) != 0
    assert await status_of(code, str(free_port())) != 0


async def status_of(code: str, port: str) -> int:
    """Return the exit status of Python's ``code`` for a server at ``port``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env={"THYWILL_SERVER_PORT": port}, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


# The composition.


def test_there_are_three_servers_of_one_kind() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"redis", "nginx", *SERVERS}
    first, *others = ({**services[name], "networks": None} for name in SERVERS)
    assert others == [first, first]
    folder = ROOT / "conf"
    assert (folder / first["build"]["context"]).resolve() == ROOT
    assert (ROOT / first["build"]["dockerfile"]).is_file()
    assert first["volumes"] == [f"data:{all_of('VOLUME')[0]}"]
    assert first["ulimits"]["nofile"] >= descriptors.needed(ServerSettings().max_clients)


def test_nothing_of_ours_runs_as_root_or_writes_its_root() -> None:
    services = COMPOSE["services"]
    for name in (*SERVERS, "redis"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert services["redis"]["user"].split(":")[0] != "0"
    assert "privileged" not in str(COMPOSE).replace("no-new-privileges", "")


def test_every_volume_and_network_is_declared() -> None:
    used = {
        volume.partition(":")[0]
        for each in COMPOSE["services"].values()
        for volume in each.get("volumes", [])
    }
    assert {name for name in used if not name.startswith((".", "/"))} == set(COMPOSE["volumes"])
    addresses = [each["networks"]["inside"]["ipv4_address"] for each in COMPOSE["services"].values()]
    assert len(set(addresses)) == len(addresses)


def test_the_servers_believe_nginx_and_nobody_outside() -> None:
    environment = COMPOSE["services"]["thywill1"]["environment"]
    server = Settings({}, "compose", environment=environment).section("server", ServerSettings)
    proxies = TrustedProxies(server.trusted_proxies)
    assert proxies.trusts(COMPOSE["services"]["nginx"]["networks"]["inside"]["ipv4_address"])
    assert not proxies.trusts("192.0.2.1")
    assert server.trusted_proxies == [COMPOSE["networks"]["inside"]["ipam"]["config"][0]["subnet"]]


def test_the_servers_share_a_queue_in_that_redis() -> None:
    settings = Settings({}, "compose", environment=COMPOSE["services"]["thywill1"]["environment"])
    chosen = Choice(settings, COMPONENTS).one("queue", Queue)
    assert chosen.kind.shared
    assert chosen.settings.url == "redis://redis:6379/0"


def test_redis_forgets_nothing_that_it_has_said() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    waits = COMPOSE["services"]["nginx"]["depends_on"]
    assert waits == {name: {"condition": "service_healthy"} for name in SERVERS}


def test_a_server_has_the_time_that_it_needs_to_stop() -> None:
    for name in SERVERS:
        grace = COMPOSE["services"][name]["stop_grace_period"]
        assert int(grace.rstrip("s")) > 3 * ServerSettings().stop_timeout
    mounted = [each.split(":")[0] for each in COMPOSE["services"]["nginx"]["volumes"]]
    assert (ROOT / "conf" / mounted[0]).read_text(encoding="utf-8") == NGINX
    assert Path(mounted[1]).is_absolute()
