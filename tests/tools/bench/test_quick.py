"""The benchmarks' quick form runs, and its ratios are shown; nothing is asserted of a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.drivers import require
from tests.gate.environment import ROOT
from tests.tools.bench import capacity, chart, cluster, front, plan, table
from tests.tools.bench import trial as trials
from tests.tools.bench.servers import THYWILL


@pytest.mark.timeout(400)
def test_quick_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("cc", "gcc")
    command = [sys.executable, "-m", "tests.tools.bench", "--quick", "--clients", "200", "--rounds", "1"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads((tmp_path / "results.json").read_text())
    assert [trial["server"] for trial in measured] == [
        "thywill",
        "tornado",
        *["thywill", "sockjs-tornado"] * 2,
    ]
    # On a busy machine a peer may give up; thywill may not.
    assert not list(table.troubles([trial for trial in measured if trial["server"] == "thywill"]))
    assert not [trial["log"] for trial in measured if "log" in trial]
    with capsys.disabled():
        # The standard output of a process that runs tests in parallel belongs to their coordinator.
        print(f"\n{(tmp_path / 'table.md').read_text()}", file=sys.__stderr__)


def trial(server: str, cpu: float, row: str = "poll", clients: int = 1000) -> dict[str, object]:
    """Return a trial as the load prints it."""
    step = {"step": "broadcast", "clients": clients, "parked": clients, "errors": 0, "refused": 0}
    connect = {**step, "step": "connect", "client_kb": 2.5}
    return {
        "server": server, "row": row, "protocol": "poll", "clients": clients,
        "steps": [connect, {**step, "cpu_us": cpu, "p99_ms": 1.0}],
    }  # fmt: skip


def test_the_table_compares_medians_with_the_best_peer() -> None:
    measured = [trial("thywill", cpu) for cpu in (30, 10, 20)] + [trial("nchan", 40), trial("faye", 90)]
    text = table.render(measured, ["thywill", "nchan", "faye", "tornado"])
    assert "| 1,000 clients | thywill | nchan | faye | thywill is |" in text
    assert "next poll, µs | 20 | 40 | 90 | 0.50 of nchan |" in text


def test_the_table_says_what_did_not_go_well() -> None:
    broken = trial("nchan", 40)
    broken["failed"] = "the server does not answer"
    broken["steps"][1]["parked"] = 999  # type: ignore[index]
    text = table.render([broken], ["nchan"])
    assert "- nchan, poll, 1000 clients: the server does not answer\n" in text
    assert "- nchan, poll, 1000 clients, broadcast: 999 parked, 0 refused, 0 errors\n" in text


def test_the_chart_has_a_curve_for_each_server_and_panel() -> None:
    measured = [trial(name, 20, "growth", size) for name in ("thywill", "nchan") for size in (1000, 5000)]
    drawn = chart.render(measured, ["thywill", "nchan", "faye"])
    assert drawn.count("<polyline") == 4
    assert drawn.count("<circle") == 8


def test_no_value_is_outside_of_the_chart() -> None:
    assert chart.ticks_around([26, 1063]) == (20, 50, 100, 200, 500, 1000, 2000)
    assert chart.ticks_around([1.0]) == (1, 2)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("through", [front.NGINX, front.TLS, front.STREAM_TLS])
def test_nginx_stands_between(tmp_path: Path, through: str) -> None:
    require("nginx", "nginx-light")
    load = trials.build_load(tmp_path)
    steps = ("connect", "broadcast:1")
    measured = trials.run_trial(load, plan.Trial(plan.CAPACITY, THYWILL, "poll", 100, steps, through))
    assert not list(table.troubles([measured]))
    connect, broadcast = measured["steps"]
    assert connect["parked"] == broadcast["delivered"] == 100
    assert connect["front_us"] > 0
    assert broadcast["front_us"] > 0


def test_the_table_of_capacity_takes_sockets_of_the_load_generator_out() -> None:
    step = {"clients": 1000, "parked": 1000, "errors": 0, "refused": 0}
    connect = {**step, "step": "connect", "client_kb": 3.0, "kernel_kb": 8.0, "cpu_us": 200.0}
    idle = {**step, "step": "idle", "cpu_us": 50.0}
    alone = {
        "row": plan.CAPACITY,
        "server": "thywill",
        "clients": 1000,
        "through": front.NONE,
        "steps": [connect, idle],
    }
    behind = {**alone, "through": front.NGINX, "steps": [{**connect, "front_kb": 10.0}]}
    text = capacity.render([alone, behind])
    assert "| nothing | 1,000 | 3 |  | 4 | 7 |" in text
    assert "| nginx | 1,000 | 3 | 10 | 6 | 19 |" in text
    # One poll of each in 25 s.
    assert "| nothing | 1,000 | 0.2 |" in text


def test_workers_of_nginx_have_room_for_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "file_limit", lambda: 20_000)
    assert [front.workers(clients) for clients in (10, 8000, 18_950)] == [2, 2, 3]


def test_the_table_of_servers_that_share_a_queue() -> None:
    def steps(cpu: float) -> list[dict[str, object]]:
        return [{"step": "broadcast", "cpu_us": cpu}, {"step": "echo", "per_second": 1000 * cpu}]

    taken = [{"hook": 5.5, "work": 0.25}, {"hook": 6.5, "work": 0.35}]
    measured = {
        "clients": 5000,
        "trials": {"memory": steps(20), "redis": steps(22), "two": steps(25), "carrier": steps(21)[:1]},
        "takeovers": taken,
        "polls": {"stay": 100, "change": 250},
    }
    text = cluster.render(measured)
    assert "| 20 | 22 | 25 | 21 | 1.10 | 1.25 | 1.05 |" in text
    assert "| 20,000 | 22,000 | 25,000 |  | 1.10 | 1.25 |  |" in text
    assert "5,000 clients, s | 6, at most 6.5 |" in text
    assert "250: 2.50 of it" in text
