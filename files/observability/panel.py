"""A dashboard and its panels, as few words as they need, and the JSON that Grafana 11 to 13 take of them.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

SCHEMA = 39
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH = 24


@dataclass(frozen=True)
class Panel:
    """``kind`` is Grafana's: timeseries, stat, table, state-timeline, bargauge, heatmap. ``queries`` have the text of
    their legend. ``unit`` is one of Grafana's (https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/)."""

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    kind: str = "timeseries"
    meaning: str = ""
    width: int = 8
    height: int = 8
    least: float | None = 0
    stacked: bool = False
    texts: tuple[str, str] | None = None
    """What stands for 0 and for 1, and makes them red and green."""


@dataclass(frozen=True)
class Variable:
    """Something to choose; ``query`` is one of Prometheus' for labels."""

    name: str
    label: str
    query: str
    many: bool = False


@dataclass(frozen=True)
class Dashboard:
    """``uid`` is what links name, and never changes."""

    uid: str
    title: str
    variables: Sequence[Variable]
    panels: Sequence[Panel]


def document(dashboard: Dashboard) -> dict[str, Any]:
    """Returns the dashboard in Grafana's classic form."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["mcp"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": [_others()],
        "templating": {"list": [_datasource(), *(_variable(each) for each in dashboard.variables)]},
        "annotations": {"list": [_alerts()]},
        "panels": list(_placed(dashboard.panels)),
    }


def _placed(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    """The panels from left to right, in rows that are as high as their highest."""
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > _WIDTH:
            x, y, height = 0, y + height, 0
        yield {"id": number, "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}, **_panel(panel)}
        x, height = x + panel.width, max(height, panel.height)


def _panel(panel: Panel) -> dict[str, Any]:
    at_once = panel.kind in ("stat", "table", "bargauge")
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.least is not None:
        defaults["min"] = panel.least
    if panel.kind == "timeseries":
        defaults["custom"] = {"fillOpacity": 20 if panel.stacked else 5, "showPoints": "never", "spanNulls": False}
        if panel.stacked:
            defaults["custom"]["stacking"] = {"mode": "normal"}
    if panel.texts is not None:
        defaults |= _two_states(panel.texts)
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel.kind),
        "transformations": _as_table() if panel.kind == "table" else [],
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "expr": query,
                "legendFormat": legend or "__auto",
                "instant": at_once,
                "range": not at_once,
                "format": {"table": "table", "heatmap": "heatmap"}.get(panel.kind, "time_series"),
            }
            for number, (query, legend) in enumerate(panel.queries)
        ],
    }


def _options(kind: str) -> dict[str, Any]:
    legend = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
    tooltip = {"mode": "multi", "sort": "desc"}
    value = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    found: dict[str, dict[str, Any]] = {
        "timeseries": {"legend": legend, "tooltip": tooltip},
        "stat": {
            **value,
            "orientation": "auto",
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "auto",
            "textMode": "auto",
            "wideLayout": True,
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
        },
        "bargauge": {
            **value,
            "orientation": "horizontal",
            "displayMode": "basic",
            "valueMode": "color",
            "namePlacement": "auto",
            "showUnfilled": True,
            "sizing": "auto",
            "minVizWidth": 8,
            "minVizHeight": 16,
            "maxVizHeight": 300,
            "legend": {**legend, "showLegend": False},
        },
        "table": {"showHeader": True, "frameIndex": 0},
        "state-timeline": {
            "showValue": "never",
            "rowHeight": 0.8,
            "mergeValues": True,
            "legend": legend,
            "tooltip": {**tooltip, "mode": "single"},
        },
        "heatmap": {
            "calculate": False,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "fill": "dark-orange",
                "exponent": 0.5,
                "steps": 64,
                "reverse": False,
            },
            "cellGap": 1,
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "legend": {"show": True},
            "showValue": "never",
            "tooltip": {"mode": "single"},
            "yAxis": {"unit": "s"},
        },
    }
    return found[kind]


def _two_states(texts: tuple[str, str]) -> dict[str, Any]:
    no, yes = texts
    colors = {"0": {"text": no, "color": "red"}, "1": {"text": yes, "color": "green"}}
    steps = [{"color": "red", "value": None}, {"color": "green", "value": 1}]
    return {
        "max": 1,
        "mappings": [{"type": "value", "options": colors}],
        "color": {"mode": "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
    }


def _as_table() -> list[dict[str, Any]]:
    hidden = ("Time", "Value", "__name__", "job", "instance", "fleet", "host")
    return [{"id": "organize", "options": {"excludeByName": dict.fromkeys(hidden, True)}}]


def _others() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "tags": ["mcp"],
        "title": "MCP",
        "tooltip": "",
        "icon": "external link",
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "label": "Source", "type": "datasource", "query": "prometheus"}


def _variable(variable: Variable) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": variable.query, "refId": variable.name},
        "refresh": 2,
        "sort": 1,
        "multi": variable.many,
        "includeAll": variable.many,
    }
    if variable.many:
        found |= {"allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return found


def _alerts() -> dict[str, Any]:
    query = 'ALERTS{alertname=~"Mcp.*", alertstate="firing", fleet="$fleet"}'
    return {
        "name": "Alerts",
        "enable": True,
        "datasource": _SOURCE,
        "target": {"refId": "Anno", "expr": query},
        "titleFormat": "{{alertname}}",
        "textFormat": "{{server}}",
        "iconColor": "red",
    }
