"""The rows of the table: which faults, and with which settings of the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.tools.audit import cluster_faults as cluster
from tests.tools.audit import faults
from tests.tools.audit.cluster_faults import again
from tests.tools.audit.faults import Event, Wear
from tests.tools.audit.redises import Redises, Relayed, Replicated, Watched

HOLD = 2.0
GRACE = 30.0
ROOMY = {"messages": 500_000, "bytes": 512 * 1024 * 1024}
"""So that nothing is dropped, however long a browser sleeps."""


LIMITS = {"connects": 10_000.0, "sends": 10_000.0, "polls": 10_000.0, "polls_burst": 10_000}
"""All pages come from this machine, and send in minutes what takes others days."""


@dataclass(frozen=True)
class Row:
    """One row.

    Args:
        name: what the fault is called at the prompt and in the table.
        wears: what the network does.
        events: what happens to browsers and to the server.
        grace: the server's setting, in seconds.
        queue: settings of the queue that differ.
        stock: whether it can be shown with a stock SockJS server.
        redises: the Redis of several servers.
        may_forget: whether that may lose what it has confirmed, so that clients have to be told.
    """

    name: str
    wears: tuple[Wear, ...] = ()
    events: tuple[Event, ...] = ()
    grace: float = GRACE
    queue: Mapping[str, Any] = field(default_factory=lambda: ROOMY)
    stock: bool = True
    redises: type[Redises] = Redises
    may_forget: bool = False

    def settings(self, queue: str) -> dict[str, Any]:
        """Return the settings of the audited server."""
        hold = {"hold": HOLD, "grace": self.grace}
        return {
            "server": {"trusted_proxies": ["127.0.0.0/8"], "stop_timeout": 5.0},
            "application_interface": {"applications": ["ledger"]},
            "push": {"sockjs": {**hold, "pause": 2.0, "response": 20_000}, "longpoll": hold},
            "limits": LIMITS,
            "queue": {"component": queue, **self.queue},
            "database": {"flush": 0.1},
        }


CUT_RESPONSE = Wear("cut responses", faults.cut_response, 0.25)
CUT_REQUEST = Wear("cut requests", faults.cut_request, 0.25)
DELAY = Wear("delays", faults.delay, 0.15)
RESEND = Wear("resends", faults.resend, 0.4)
TWIN = Wear("twin polls", faults.twin_polls, 0.4)
STALE = Wear("stale answers", faults.give_stale, 0.3)
ADDRESS = Wear("other addresses", faults.change_address, 0.7)
TRICKLE = Wear("trickles", faults.trickle, 0.15)
RESET = Wear("resets", faults.reset_connection, 0.25)
DOZE = faults.fall_asleep(0.5, 2 * HOLD + 2, 0.3)
LONG_GRACE = 4.0


def _less(*wears: Wear) -> tuple[Wear, ...]:
    """Return the faults with lower probabilities, so that all together are about as frequent as one."""
    return tuple(Wear(wear.name, wear.damage, wear.chance / 6) for wear in wears)


MIXED = _less(CUT_RESPONSE, CUT_REQUEST, DELAY, RESEND, TWIN, STALE, ADDRESS, TRICKLE, RESET)

ROWS = (
    Row("none"),
    Row("response-cut", (CUT_RESPONSE,)),
    Row("request-cut", (CUT_REQUEST,)),
    Row("delay", (DELAY,)),
    Row("resend", (RESEND,)),
    Row("two-polls", (TWIN,)),
    Row("stale-answer", (STALE,), (faults.change_transports,), stock=False),
    Row("address", (ADDRESS,)),
    Row("slow-read", (TRICKLE,)),
    Row("reset", (RESET,)),
    Row("transport", (), (faults.change_transports,), stock=False),
    Row("sleep", (), (DOZE,)),
    Row("long-sleep", (), (faults.fall_asleep(LONG_GRACE + 1, LONG_GRACE + 6, 1.0),), grace=LONG_GRACE),
    Row("overflow", (), (DOZE,), queue={"messages": 100, "batch": 20}, stock=False),
    Row("disk-full", (), (faults.fill_disk,), stock=False),
    Row("locked", (), (faults.lock_database,), stock=False),
    Row("sigterm", (), (faults.restart,)),
    Row("sighup", (), (faults.restart_in_place,), stock=False),
    Row("kill", (), (faults.kill,)),
    Row("mixed", MIXED, (faults.change_transports, DOZE, faults.lock_database), stock=False),
    Row(
        "all-mixed",
        MIXED,
        # Without `locked`: a server does not start on a locked database.
        (faults.change_transports, DOZE, faults.kill),
        stock=False,
    ),
)
CLUSTER = "redis"
"""The queue with which rows are audited over several servers."""
ALL = (
    cluster.kill_leader,
    cluster.kill_follower,
    cluster.freeze_leader,
    cluster.roll,
    cluster.jump,
    cluster.kill_redis,
    cluster.freeze_redis,
    cluster.cut_off,
)

CLUSTER_ROWS = (
    Row("none"),
    Row("leader", (), (again(cluster.kill_leader),)),
    Row("follower", (), (again(cluster.kill_follower),)),
    Row("leader-and-follower", (), (again(cluster.kill_both),)),
    Row("frozen-leader", (), (again(cluster.freeze_leader, least=2, most=4),)),
    Row("rolling", (), (again(cluster.roll, least=1, most=3),)),
    Row("versions", (), (again(cluster.change_version, least=1, most=3),)),
    Row("clock", (), (again(cluster.jump, least=1, most=3),)),
    Row("redis-kill", (), (again(cluster.kill_redis),)),
    Row("redis-frozen", (), (again(cluster.freeze_redis, least=2, most=4),)),
    Row("cut-off", (), (again(cluster.cut_off, least=2, most=4),), redises=Relayed),
    Row("failover", (), (again(cluster.fail_over),), redises=Watched, may_forget=True),
    Row("failover-behind", (), (again(cluster.fail_over_behind),), redises=Replicated, may_forget=True),
    Row("mixed", MIXED, (faults.change_transports, DOZE, again(cluster.kill_leader))),
    Row("all-mixed", MIXED, (faults.change_transports, DOZE, again(*ALL)), redises=Relayed),
)
BY_NAME = {row.name: row for row in ROWS}
CLUSTER_BY_NAME = {row.name: row for row in CLUSTER_ROWS}
