"""The dashboards by Grafana's own types: what its SDK for Python reads of them is all that stands there.

Grafana itself is in no package registry. The SDK takes any value; its types for TypeScript do not (make client-files).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard as ByGrafana
from observability.dashboards import ALL
from observability.panel import Dashboard, document

# Of the data source for Prometheus, which the types of dashboards leave out (PrometheusAnnotationSupport in
# @grafana/prometheus).
OF_THE_SOURCE = {
    "annotations.list.0.target.expr",
    "annotations.list.0.target.refId",
    "annotations.list.0.titleFormat",
    "annotations.list.0.textFormat",
}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value below ``value``, with the keys that lead to it."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, below in items:
            yield from leaves(below, f"{path}.{key}" if path else str(key))
        if not value:
            yield path, value
    else:
        yield path, value


@pytest.mark.parametrize("dashboard", ALL, ids=lambda each: each.uid)
def test_grafana_knows_every_key_and_keeps_its_value(dashboard: Dashboard) -> None:
    plugins.register_default_plugins()
    ours = document(dashboard)
    read = json.loads(json.dumps(ByGrafana.from_json(json.loads(json.dumps(ours))), cls=JSONEncoder))
    known = dict(leaves(read))
    assert {path for path, value in leaves(ours) if known.get(path, "lost") != value} == OF_THE_SOURCE


def test_a_key_that_grafana_does_not_know_is_found() -> None:
    plugins.register_default_plugins()
    ours = document(ALL[0])
    ours["panels"][6]["options"]["rowHigh"] = 1
    assert "rowHigh" not in json.dumps(ByGrafana.from_json(ours), cls=JSONEncoder)
