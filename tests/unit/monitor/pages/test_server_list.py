"""Which servers are listed, in which order, and what their rows say of the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from monitor.figures.call_rates import Rate
from monitor.figures.past import Figures
from monitor.figures.uptime import Uptime
from monitor.figures.usage import NOTHING, Usage
from monitor.pages.server_filter import MOST_ROWS, ORDERS, ServerFilter
from monitor.web import Request
from records.history import Event
from records.images import ServerImage
from records.samples import Latest, NearLimit

from tests.unit.monitor import samples
from tests.unit.monitor.pages.listed import NOW, listed, names, rows

FLEET = samples.state(
    [
        samples.server("time", 1, group="office"),
        samples.server("github", 2, group="code", image="acme/forge:2"),
        samples.failing("slack", "the line went dead", group="office"),
        samples.disabled("old"),
    ],
    remotes=[samples.remote("docs", group="code")],
)


def usage(cpu: float, memory: int, **more: Any) -> Usage:
    plain = Latest(
        containers=1, cpu=cpu, memory=memory, processes=3, received=0, sent=0, restarts=0, oom_kills=0,
        cpu_limit=1.0, memory_limit=1024**3, processes_limit=256,
    )  # fmt: skip
    return replace(NOTHING, latest=replace(plain, **more), cpu=(0.1,) * 48, memory=(2.0**29,) * 48)


FIGURES = Figures(
    uptimes={"time": (Uptime((), 48, 0.5), Uptime((), 30, 0.75)), "github": (Uptime((), 48, 1.0), Uptime((), 30, 1.0))},
    usages={"time": usage(0.2, 900 * 1024**2), "github": replace(usage(0.9, 10 * 1024**2), restarts=3, oom_kills=1)},
    calls={"time": Rate(60, 4, 1.0, 12.0, 80.0), "github": Rate(600, 0, 10.0, 3.0, 1800.0)},
)


def test_the_worst_stand_first() -> None:
    assert names(FLEET) == ["slack", "docs", "github", "time", "old"]


SHARED = samples.state(
    [
        samples.server("time", 1, hosts=["one"]),
        samples.server("both", 2, hosts=["one", "two"]),
        {**samples.server("far", 3, hosts=["two"], observed="absent"), "condition": "on_other_hosts"},
    ],
    remotes=[samples.remote("docs")],
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("host:one", ["both", "time"]),
        ("host:two", ["both", "far"]),
        ("host:three", []),
        ("elsewhere", ["docs"]),
        ("nowhere", ["both", "docs", "far", "time"]),
    ],
)
def test_the_servers_of_a_host_are_found_by_its_name(host: str, expected: list[str]) -> None:
    assert sorted(names(SHARED, host=host)) == expected


def test_hosts_can_be_chosen_where_there_are_several() -> None:
    assert [each for each in listed(SHARED).hosts if each.startswith("host:")] == ["host:one", "host:two"]
    assert [each for each in listed(FLEET).hosts if each.startswith("host:")] == []
    assert [row.called for row in rows(SHARED, q="far")] == ["on two"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "GIT"}, ["github"]),
        ({"q": "forge"}, ["github"]),
        ({"q": "convert_time", "host": "here"}, ["github", "time"]),
        ({"condition": "failing"}, ["slack"]),
        ({"condition": "attention"}, ["slack"]),
        ({"condition": "disabled"}, ["old"]),
        ({"group": "office"}, ["slack", "time"]),
        ({"group": "-"}, ["old"]),
        ({"host": "elsewhere"}, ["docs"]),
        ({"host": "nowhere"}, ["docs", "github", "old", "slack", "time"]),
        ({"q": "time", "group": "code"}, ["github"]),
        ({"q": "no such"}, []),
    ],
)
def test_only_what_is_asked_for_is_listed(query: dict[str, str], expected: list[str]) -> None:
    assert names(FLEET, sort="name", **query) == expected


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("name", "docs"), ("-name", "time"), ("cpu", "github"), ("memory", "time"), ("calls", "github"),
        ("errors", "time"), ("latency", "github"), ("restarts", "github"), ("uptime", "time"),
        ("none such", "slack"), ("image", "docs"),
    ],
)  # fmt: skip
def test_the_order_goes_by_real_values(order: str, first: str) -> None:
    assert names(FLEET, FIGURES, sort=order)[0] == first


def test_every_column_can_be_turned_around() -> None:
    for order in ORDERS:
        there = names(FLEET, FIGURES, sort=order)
        assert sorted(names(FLEET, FIGURES, sort=f"-{order}")) == sorted(there)
    (column,) = [each for each in listed(FLEET, sort="cpu").columns if each.title == "CPU"]
    assert (column.sorted, column.query) == ("descending", "?sort=-cpu")


def test_an_address_says_all_that_was_asked_for() -> None:
    asked = {
        "q": ("a b",),
        "condition": ("failing",),
        "group": ("x",),
        "host": ("here",),
        "sort": ("-cpu",),
        "by": ("group",),
    }
    wanted = ServerFilter.of(Request(query={**asked, "page": ("3",)}))
    assert wanted.query(page=3) == "?q=a+b&condition=failing&group=x&host=here&sort=-cpu&by=group&page=3"
    assert ServerFilter().query() == ""


@pytest.mark.parametrize("page", ["0", "-1", "x", "٣", "99999999", "1e9"])
def test_a_page_that_is_none_is_the_first(page: str) -> None:
    assert ServerFilter.of(Request(query={"page": (page,)})).page == 1


def test_a_group_has_its_worst_and_how_many_answer_on_its_line() -> None:
    groups = {each.name: (each.severity, each.answering, each.counted) for each in listed(FLEET).groups}
    assert groups == {"office": ("critical", 1, 2), "code": ("ok", 2, 2), "": ("none", 0, 0)}
    assert [each.name for each in listed(FLEET).groups] == ["office", "code", ""]


def test_servers_stand_by_group_where_somebody_wants_that() -> None:
    found = listed(FLEET, by="group").sections
    assert [(group.name if group else None, [row.name for row in members]) for group, members in found] == [
        ("office", ["slack", "time"]), ("code", ["docs", "github"]), ("", ["old"]),
    ]  # fmt: skip


def test_without_a_group_there_are_none() -> None:
    assert listed(samples.three_servers()).groups == []


def test_a_thousand_servers_come_in_pages() -> None:
    fleet = samples.state([samples.server(f"s{number:04}", number) for number in range(2 * MOST_ROWS + 5)])
    assert len(names(fleet)) == MOST_ROWS
    assert names(fleet, page="3", sort="name") == [
        f"s{number:04}" for number in range(2 * MOST_ROWS, 2 * MOST_ROWS + 5)
    ]
    assert names(fleet, page="77") == names(fleet, page="3")
    assert [number for number, _ in listed(fleet).pages] == [1, 2, 3]


def test_a_row_says_what_is_used_and_of_how_much() -> None:
    row = {each.name: each for each in rows(FLEET, FIGURES)}["time"]
    assert (row.memory.text, row.memory.limit, row.memory.near) == ("900 MiB", "1 GiB", False)
    assert (row.cpu.text, row.cpu.limit) == ("0.2", "1")
    assert (row.calls_text, row.errors_text, row.latency_text) == ("1/min", "4 errors", "12 · 80 ms")
    assert row.month.text == "75.00 %"


def test_a_server_near_its_limit_is_marked() -> None:
    near = usage(0.1, 1000 * 1024**2, near_limit=(NearLimit("memory", 1, 0.98),))
    row = {each.name: each for each in rows(FLEET, Figures(usages={"time": near}))}["time"]
    assert row.memory.near
    assert [(mark.kind, mark.text) for mark in row.marks] == [("near", "98% of its memory")]


def test_replicas_have_their_limits_together() -> None:
    two = Figures(usages={"time": usage(0.1, 1000 * 1024**2, containers=2)})
    row = {each.name: each for each in rows(FLEET, two)}["time"]
    assert (row.memory.limit, row.memory.near) == ("2 GiB", False)


def test_tools_that_changed_and_an_override_are_marked() -> None:
    at = samples.stamp(NOW - timedelta(hours=2))
    stopped = samples.server(
        "time", override={"stopped": None, "restarted": {"by": "alice", "at": at, "request": None}}
    )
    change = Event("r", NOW - timedelta(hours=3), "time", "tools_changed", "tools added: now")
    (row,) = rows(samples.state([stopped]), Figures(tool_changes={"time": change}))
    assert [mark.text for mark in row.marks] == ["restarted by alice, 2 hours ago", "tools added: now, 3 hours ago"]


@pytest.mark.parametrize(
    ("outdated", "package", "marked"), [(True, None, True), (False, None, False), (True, "x", False)]
)
def test_a_newer_image_in_the_registry_is_marked_where_the_image_is_its(
    outdated: bool, package: str | None, marked: bool
) -> None:
    built = None if package is None else {"name": package, "version": "1", "digest": None}
    asked = int((NOW - timedelta(hours=2)).timestamp())
    found = Figures(images={"time": ServerImage("mcp/time:latest", outdated, asked)})
    (row,) = rows(samples.state([samples.server("time", package=built)]), found)
    told = "update available: the registry has another mcp/time:latest, seen 2 hours ago"
    assert [mark.text for mark in row.marks] == ([told] if marked else [])


def test_a_server_in_trouble_says_for_how_long() -> None:
    row = {each.name: each for each in rows(FLEET)}["slack"]
    assert row.lasting == "for 3 hours"
    assert "the line went dead" in row.note


def test_a_state_of_an_older_release_is_listed_too() -> None:
    old = samples.three_servers()
    for server in old["servers"]:
        del server["group"], server["override"]
        server.pop("retry", None)
    assert len(names(old)) == 3
