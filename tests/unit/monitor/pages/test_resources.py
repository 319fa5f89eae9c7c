"""What the fleet uses, on one page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from monitor.figures.fleet_month import POINTS as MONTH_POINTS
from monitor.figures.fleet_month import Month
from monitor.figures.usage import POINTS, Usage
from monitor.pages.resources import page, resources_view
from monitor.sources import Sources
from monitor.state import parse_state
from monitor.web import Request
from records.samples import Latest

from tests.unit.monitor import samples
from tests.unit.monitor.pages.test_overview import read

MIB = 1024**2


def usage(cpu: float, memory: int, **more: object) -> Usage:
    latest = Latest(
        containers=1, cpu=cpu, memory=memory, processes=3, received=100.0 * cpu, sent=0.0, restarts=0, oom_kills=0,
        cpu_limit=1.0, memory_limit=512 * MIB, processes_limit=256,
    )  # fmt: skip
    made = Usage((cpu,) * POINTS, (None, *(float(memory),) * (POINTS - 1)), latest, 0, 0)
    return replace(made, **more)  # type: ignore[arg-type]


FLEET = samples.state(
    [samples.server("time"), samples.server("github"), samples.server("quiet"), samples.disabled("old")]
)
USAGES = {
    "time": usage(0.5, 100 * MIB, restarts=3),
    "github": usage(0.25, 400 * MIB, oom_kills=1),
    "quiet": replace(usage(0.1, MIB), latest=None),
}
MONTH = Month((1.0,) * MONTH_POINTS, (None, *(3.0 * MIB,) * (MONTH_POINTS - 1)))
STATE = parse_state(json.dumps(FLEET).encode())


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("memory", "github"),
        ("cpu", "time"),
        ("restarts", "github"),
        ("name", "github"),
        ("received", "time"),
        ("x", "github"),
    ],
)
def test_the_order_goes_by_real_values(order: str, first: str) -> None:
    assert resources_view(STATE, USAGES, MONTH, order, "/monitor").consumers[0].name == first


def test_sums_and_limits_are_those_of_all_that_run() -> None:
    cpu, memory = resources_view(STATE, USAGES, MONTH, "", "/monitor").totals
    assert (cpu.now, cpu.limit, cpu.most) == ("0.75 cores", "2 cores", "0.85 cores")
    assert (memory.now, memory.limit) == ("500 MiB", "1 GiB")
    assert memory.path.startswith("M1 ")
    assert cpu.month == "1 core"
    assert memory.month_path.startswith("M1 ")


def test_no_time_had_less_than_there_is_now() -> None:
    most = [(each.most, each.month) for each in resources_view(STATE, USAGES, MONTH, "", "/monitor").totals]
    assert most == [("0.85 cores", "1 core"), ("501 MiB", "500 MiB")]


def test_a_server_that_should_run_and_has_no_samples_is_named() -> None:
    assert resources_view(STATE, USAGES, MONTH, "", "/monitor").silent == ["quiet"]


def test_without_the_watcher_the_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps(FLEET))
    body = read(str(page(Request(), Sources(tmp_path / "state.json", tmp_path)).body))
    assert "systemctl status mcp-watcher" in body
    assert "Without samples now" not in body


def test_without_a_state_what_is_recorded_is_shown_all_the_same() -> None:
    view = resources_view(None, USAGES, MONTH, "", "/monitor")
    assert [each.name for each in view.consumers] == ["github", "time"]
