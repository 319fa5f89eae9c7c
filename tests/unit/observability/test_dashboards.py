"""The dashboards are what Grafana takes, and ask for what there is."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from observability.dashboards import ALL, main
from observability.panel import Dashboard, document

from tests.observability.queries import queries

PAGES = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.fixture(params=ALL, ids=lambda each: each.uid)
def dashboard(request: pytest.FixtureRequest) -> Dashboard:
    found: Dashboard = request.param
    return found


def test_a_file_of_each_is_written(tmp_path: Path) -> None:
    main(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"mcp-fleet.json", "mcp-server.json", "mcp-balancer.json"}
    for file in tmp_path.iterdir():
        found = json.loads(file.read_text())
        assert (found["uid"], found["schemaVersion"]) == (file.stem, 39)


def test_no_panel_lies_over_another(dashboard: Dashboard) -> None:
    def places(panel: dict[str, Any]) -> set[tuple[int, int]]:
        at = panel["gridPos"]
        return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}

    panels = document(dashboard)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
    assert not [(one["title"], other["title"]) for one, other in combinations(panels, 2) if places(one) & places(other)]


def test_every_query_names_a_source_that_can_be_chosen_and_no_variable_that_is_not_there(dashboard: Dashboard) -> None:
    found = document(dashboard)
    names = {each["name"] for each in found["templating"]["list"]} | {"__rate_interval"}
    for panel in found["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert set(re.findall(r"\$(\w+)", target["expr"])) <= names


def test_they_ask_for_metrics_that_are_described() -> None:
    asked = {name for _panel, query in queries(server="time") for name in re.findall(r"\b(?:mcp|haproxy)_\w+", query)}
    plain = {re.sub(r"_(count|bucket|sum)$", "", name) if "duration" in name else name for name in asked}
    described = {name for name in plain if f"`{name}`" in PAGES}
    frontend = {name for name in plain if name.startswith(("haproxy_frontend_", "haproxy_process_"))}
    assert plain - described - frontend == set()
