"""Examines a Redis before a server uses it: is it new enough, does it keep its data, is it the right one?

Each problem is one line that says what to change. A problem that makes the queue unusable raises
``SettingsError``; one that only makes it less safe is a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from redis.exceptions import ResponseError

from thywill.errors import SettingsError
from thywill.queue.redis.library import FORMAT
from thywill.queue.redis.link import Link, WrongPassword
from thywill.queue.redis.options import Safe
from thywill.queue.redis.redis_url import RedisUrl
from thywill.queue.redis.safety import Safety
from thywill.queue.shared.base import StoreUnavailable
from thywill.queue.shared.rows import Heartbeat

log = logging.getLogger(__name__)

OLDEST = (7, 0)
WAITAOF_SINCE = (7, 2)

KEEPS_ALL = "noeviction"
VOLATILE = "volatile-"
"""So begin the names of eviction policies that drop only keys with a time to live, and never the log."""


async def warnings(link: Link, url: RedisUrl, prefix: str, safety: Safety) -> list[str]:
    """Return a line for each weakness that makes the queue less safe; set ``safety.always_on_disk``.

    Raises:
        SettingsError: the Redis cannot be reached or used.
    """
    try:
        facts = await _facts(link)
        settings = await _settings(link)
        safety.always_on_disk = _is_always_on_disk(facts, settings)
        for problem in problems(facts, settings, safety):
            raise SettingsError(f"[queue] url: Redis at {url.text} {problem}")
        await _check_format(link, prefix)
        await _check_kind(link, prefix, f"{prefix}:servers", "hash")
    except WrongPassword as error:
        raise SettingsError(
            f"[queue] url: {error}; write user and password into it: redis://USER:PASSWORD@host"
        ) from None
    except (StoreUnavailable, ResponseError) as error:
        raise SettingsError(f"[queue] url: {error}; is it started, and is the address right?") from None
    return list(_weaknesses(facts, settings, safety))


async def _facts(link: Link) -> dict[str, str]:
    """Return the fields of Redis's answer to INFO."""
    text = (await link.call("INFO")).decode()
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value for name, colon, value in lines if colon}


async def _settings(link: Link) -> dict[str, str]:
    """Return the settings of Redis; empty if its provider does not let clients read them."""
    names = ("maxmemory", "maxmemory-policy", "appendonly", "appendfsync")
    try:
        found = [each for name in names for each in await link.call("CONFIG", "GET", name)]
    except ResponseError:
        return {}
    return {name.decode(): value.decode() for name, value in zip(found[::2], found[1::2], strict=True)}


def _version(facts: Mapping[str, str]) -> tuple[int, ...]:
    # Valkey's ``redis_version`` is the version of Redis with which it is compatible: 7.2.4 since its start.
    return tuple(int(part) for part in facts.get("redis_version", "0").split(".")[:2] if part.isdigit())


def _is_always_on_disk(facts: Mapping[str, str], settings: Mapping[str, str]) -> bool:
    return facts.get("aof_enabled") == "1" and settings.get("appendfsync") == "always"


def problems(facts: Mapping[str, str], settings: Mapping[str, str], safety: Safety) -> Iterator[str]:
    """Yield the problems that make the Redis unusable; each phrase follows the address of Redis."""
    version = facts.get("redis_version", "unknown")
    if _version(facts) < OLDEST:
        yield f"has version {version}: install Redis 7.0 or newer, or Valkey"
    if facts.get("redis_mode") == "cluster" or facts.get("cluster_enabled") == "1":
        yield "is a Redis Cluster: use one without 'cluster-enabled yes'; sentinel:// has replicas too"
    if facts.get("role") == "slave":
        host, port = facts.get("master_host", "?"), facts.get("master_port", "?")
        yield f"is a replica and cannot be written: write the address of its master, {host}:{port}"
    policy = settings.get("maxmemory-policy", facts.get("maxmemory_policy", "noeviction"))
    if facts.get("maxmemory", "0") != "0" and policy != KEEPS_ALL and not policy.startswith(VOLATILE):
        yield f"deletes the queue when memory is full: set 'maxmemory-policy noeviction' (now {policy})"
    if safety.safe is Safe.DISK:
        yield from _not_on_disk(facts, version, safety)
    if safety.safe is Safe.REPLICAS and facts.get("connected_slaves", "0") == "0":
        yield 'has no replica, which [queue] safe = "replicas" needs: start one, or set safe = "disk"'


def _not_on_disk(facts: Mapping[str, str], version: str, safety: Safety) -> Iterator[str]:
    if facts.get("aof_enabled") != "1":
        yield "writes no append-only file, which [queue] safe = \"disk\" needs: set 'appendonly yes'"
    elif not safety.always_on_disk and _version(facts) < WAITAOF_SINCE:
        yield f"has no WAITAOF (version {version}): set 'appendfsync always', or install Redis 7.2"


def _weaknesses(facts: Mapping[str, str], settings: Mapping[str, str], safety: Safety) -> Iterator[str]:
    """Yield a line for each weakness that makes the queue less safe."""
    if facts.get("aof_enabled") != "1":
        yield (
            "[queue] Redis writes no append-only file, so data newer than its last snapshot is lost "
            "when it ends: set 'appendonly yes' in its configuration"
        )
    policy = settings.get("maxmemory-policy", facts.get("maxmemory_policy", "noeviction"))
    if policy != KEEPS_ALL:
        what = "the ids of published messages, so that a repeat comes twice,"
        yield (
            f"[queue] Redis has 'maxmemory-policy {policy}', which deletes "
            f"{what if policy.startswith(VOLATILE) else 'the queue'} when 'maxmemory' is reached: "
            "set 'maxmemory-policy noeviction'"
        )


async def _check_format(link: Link, prefix: str) -> None:
    key = f"{prefix}:format"
    await _check_kind(link, prefix, key, "string")
    found = await link.call("GET", key) or b"0"
    if not found.isdigit():
        raise SettingsError(_foreign(prefix, key))
    if int(found) > FORMAT:
        raise SettingsError(
            f"[queue] url: this Redis has the queue of a newer thywill, in format {int(found)} instead of "
            f"{FORMAT}: install the newer thywill here, or write another [queue] prefix"
        )


async def _check_kind(link: Link, prefix: str, key: str, kind: str) -> None:
    """Check that another program does not use the key: if it exists, it has to be of the type ``kind``."""
    found = (await link.call("TYPE", key)).decode()
    if found not in ("none", kind):
        raise SettingsError(_foreign(prefix, key))


def _foreign(prefix: str, key: str) -> str:
    return f"[queue] prefix: another program uses the key {key!r}: set another prefix than {prefix!r}"


def compare(server: Heartbeat, others: Sequence[Heartbeat], prefix: str) -> None:
    """Compare a starting server with the others that share its queue.

    Raises:
        SettingsError: another server has another secret, so neither would accept the other's tokens.
    """
    for other in others:
        where = f"the server at {other.row.address} (process {other.row.process})"
        if other.secret != server.secret:
            raise SettingsError(
                f"[client_interface] secret_file: {where} shares the queue {prefix!r} and has another "
                "secret: copy its file, or write another [queue] prefix"
            )
        if different := set(other.applications) ^ set(server.applications):
            log.warning(
                "%s shares the queue %r and has other applications (%s): only servers that have an "
                "application serve its clients",
                where,
                prefix,
                ", ".join(sorted(different)),
            )


async def problem(link: Link, key: str) -> str | None:
    """Write a key that lives for a second; return in one line why that failed, or None."""
    try:
        await link.call("SET", key, "", "EX", 1)
    except ResponseError as error:
        return f"Redis refuses writes: {error}"
    return None
