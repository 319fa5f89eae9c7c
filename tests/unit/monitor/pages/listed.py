"""Lists of servers, as a request asks for them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from monitor.figures.past import Figures
from monitor.pages.overview import ServerList, server_list
from monitor.pages.server_filter import ServerFilter
from monitor.pages.server_row import Row
from monitor.state import parse_state
from monitor.web import Request

from tests.unit.monitor import samples

NOW = samples.FINISHED + timedelta(minutes=3)


def listed(document: dict[str, Any], figures: Figures | None = None, **query: str) -> ServerList:
    request = Request(query={name: (value,) for name, value in query.items()})
    state = parse_state(json.dumps(document).encode())
    return server_list(state, ServerFilter.of(request), figures or Figures(), NOW, "/monitor")


def rows(document: dict[str, Any], figures: Figures | None = None, **query: str) -> list[Row]:
    return [row for _, members in listed(document, figures, **query).sections for row in members]


def names(document: dict[str, Any], figures: Figures | None = None, **query: str) -> list[str]:
    return [row.name for row in rows(document, figures, **query)]
