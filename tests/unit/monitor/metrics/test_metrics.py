"""What Prometheus gets: read back by the official client's own parsers."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from monitor.metrics.servers import MEASURES
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as plain_families
from records.spans import Progress
from traces.progress import write_progress

from tests.monitor_data.site import make_site
from tests.unit.monitor import samples
from tests.unit.monitor.api.program import Program, Told

DOCUMENTATION = (Path(__file__).parents[4] / "docs" / "metrics.md").read_text(encoding="utf-8")
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def values(told: Told) -> dict[tuple[str, str], float]:
    """Value by name and labels of each sample."""
    parse = openmetrics_families if "openmetrics" in told.headers["content-type"] else plain_families
    found = [sample for family in parse(told.body.decode()) for sample in family.samples]
    told_values = {(each.name, json.dumps(each.labels, sort_keys=True)): each.value for each in found}
    assert len(told_values) == len(found), "a series is there twice"
    return told_values


def of(found: dict[tuple[str, str], float], name: str, **labels: str) -> float | None:
    return found.get((name, json.dumps(labels, sort_keys=True)))


def write(program: Program, **more: Any) -> None:
    program.state_file.write_text(json.dumps(more))


def test_text_and_openmetrics_say_the_same(tmp_path: Path) -> None:
    program = Program(make_site(tmp_path / "site", servers=10, days=1, lines=5, calls=5))
    plain, open_metrics = program.ask("/metrics"), program.ask("/metrics", accept=OPENMETRICS)
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert open_metrics.body.endswith(b"# EOF\n")
    assert values(plain) == values(open_metrics)
    names = {name for name, _labels in values(plain)}
    assert {each.measure.name for each in MEASURES} <= names
    assert {"mcp_run_seconds", "mcp_quota_used", "mcp_server_targets", "mcp_watcher_up", "mcp_servers"} <= names
    helped = {line.split()[2] for line in plain.body.decode().splitlines() if line.startswith("# HELP")}
    typed = {line.split()[2] for line in plain.body.decode().splitlines() if line.startswith("# TYPE")}
    assert names == helped == typed


def test_a_server_is_up_where_it_answers_or_sleeps_and_nothing_is_said_where_nobody_expects_it(
    program: Program,
) -> None:
    asleep = samples.server("asleep", health={"status": "asleep"})
    wants_login = samples.server("login", health=samples.unasked("401"))
    unasked = samples.unasked("not asked in this run")
    absent = samples.server("absent", observed="absent", error="it does not start", health=unasked)
    updated = samples.server("updated", error="an update failed", health=samples.unasked("401"))
    servers = [samples.server("time"), samples.failing("broken", "503"), samples.disabled("off"), asleep, wants_login]
    servers += [absent, updated]
    write(program, **samples.state([*servers, samples.invalid("wrong", "no command")], remotes=[samples.remote("far")]))
    found = values(program.ask("/metrics"))
    up = {
        name: of(found, "mcp_server_up", server=name)
        for name in ("time", "asleep", "broken", "wrong", "absent", "off", "login", "updated", "far")
    }
    down = dict.fromkeys(("broken", "wrong", "absent"), 0)
    assert up == {"time": 1, "asleep": 1, "far": 1, **down, "off": None, "login": None, "updated": None}
    assert of(found, "mcp_server_condition", server="off", condition="disabled", severity="none") == 1
    assert of(found, "mcp_servers", condition="failing", severity="critical") == 3
    assert of(found, "mcp_run_success") == 0
    assert of(found, "mcp_server_probe_seconds", server="far") == 0.0874
    assert of(found, "mcp_server_quarantined", server="far") is None


def test_limits_are_those_of_all_containers_together(program: Program) -> None:
    used = {
        "containers": 2, "cpu": 0.25, "memory": 3 * 2**20, "processes": 9, "received": 1.5, "sent": 2.5, "restarts": 4,
        "oom_kills": 1, "cpu_limit": 0.5, "memory_limit": 2**21, "processes_limit": None,
        "near_limit": [{"limit": "memory", "since": 5, "share": 0.93}],
    }  # fmt: skip
    (program.directory / "samples").mkdir()
    latest = {"version": 1, "time": int(time.time()), "servers": {"time": used}}
    (program.directory / "samples" / "latest.json").write_text(json.dumps(latest))
    found = values(program.ask("/metrics"))
    assert of(found, "mcp_server_memory_limit_bytes", server="time") == 2**22
    assert of(found, "mcp_server_cpu_limit_cores", server="time") == 1.0
    assert of(found, "mcp_server_processes_limit", server="time") is None
    assert of(found, "mcp_server_restarts_total", server="time") == 4
    assert of(found, "mcp_server_near_limit_ratio", server="time", limit="memory") == 0.93
    assert of(found, "mcp_watcher_up") == 1


def test_without_a_state_it_says_so(program: Program) -> None:
    program.state_file.write_text("{")
    found = values(program.ask("/metrics"))
    assert (of(found, "mcp_state_readable"), of(found, "mcp_watcher_up")) == (0, None)


def test_a_watcher_that_is_silent_is_told_from_one_that_is_off(program: Program) -> None:
    (program.directory / "samples").mkdir()
    latest = {"version": 1, "time": int(time.time()) - 600, "servers": {}}
    (program.directory / "samples" / "latest.json").write_text(json.dumps(latest))
    assert of(values(program.ask("/metrics")), "mcp_watcher_up") == 0


def test_spans_are_counted_where_they_are_sent(program: Program) -> None:
    assert of(values(program.ask("/metrics")), "mcp_spans_sent_total") is None
    (program.directory / "traces").mkdir()
    write_progress(program.directory / "traces", Progress({"time": "1:0"}, sent=7, dropped=2, lost=1))
    found = values(program.ask("/metrics"))
    names = ("mcp_spans_sent_total", "mcp_spans_dropped_total", "mcp_spans_overrun_total")
    assert [of(found, name) for name in names] == [7, 2, 1]


def test_what_a_server_says_of_itself_breaks_nothing(program: Program) -> None:
    name = 'a"b\\c\nd \ud83d \u2028 mcp_server_up{server="x"} 0'
    hostile = samples.server("hostile", health={"server": {"name": name, "version": "\x00"}})
    write(program, **samples.state([hostile]))
    for accept in ("text/plain", OPENMETRICS):
        found = values(program.ask("/metrics", accept=accept))
        assert of(found, "mcp_server_up", server="x") is None
        assert of(found, "mcp_server_up", server="hostile") == 1


def test_whoever_may_view_may_scrape(program: Program) -> None:
    assert program.ask("/metrics", token=None).status == 401
    assert program.ask("/metrics", token="mcpt_wrong").status == 401
    assert program.ask("/metrics", token=None, password="guest:looking").status == 200
    told = program.ask("/../../metrics")
    assert told.status == 404
    beside = program.ask("/metrics", below="/monitor")
    assert (beside.status, values(beside).keys()) == (200, values(program.ask("/metrics")).keys())
    assert program.ask("/metrics", token=None, below="/monitor").status == 401
    assert program.ask("/metrics", "POST", below="/monitor").status == 405


def test_it_is_compressed_for_who_takes_that(program: Program) -> None:
    told = program.ask("/metrics", accept_encoding="gzip")
    assert told.headers["content-encoding"] == "gzip"
    assert b"mcp_run_success" in gzip.decompress(told.body)


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=abc", "*/*;q=x", ",,;", "\xff"])
def test_no_wish_for_a_form_breaks_it(program: Program, accept: str) -> None:
    assert program.ask("/metrics", accept=accept).status == 200


def test_every_metric_stands_in_the_documentation(tmp_path: Path) -> None:
    program = Program(make_site(tmp_path / "site", servers=10, days=1, lines=5, calls=5))
    told = program.ask("/metrics").body.decode().splitlines()
    names = {line.split()[2] for line in told if line.startswith("# TYPE")}
    assert {name for name in names if f"`{name}`" not in DOCUMENTATION} == set()
