"""The queries of the dashboards, as Grafana would send them."""

from __future__ import annotations

from collections.abc import Iterator

from observability.dashboards import ALL


def queries(*, server: str, fleet: str = "mcp", interval: str = "1m") -> Iterator[tuple[str, str]]:
    """Yields dashboard and panel, and each query with its variables filled in."""
    filled = {"$server": server, "$fleet": fleet, "$host": ".*", "$__rate_interval": interval}
    for dashboard in ALL:
        for panel in dashboard.panels:
            for query, _legend in panel.queries:
                for name, value in filled.items():
                    query = query.replace(name, value)
                yield f"{dashboard.title}: {panel.title}", query
