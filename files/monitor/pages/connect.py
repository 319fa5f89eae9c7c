"""What clients need to reach the servers, ready to copy, for one server or all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from monitor.client_entries import CLIENTS
from monitor.layout import render
from monitor.pages.overview import fault
from monitor.pages.unknown import unknown_server
from monitor.sources import Sources
from monitor.state import State, StateMissing, StateUnreadable, client_config
from monitor.web import Answer, Request


@dataclass(frozen=True)
class Recipe:
    """What one client needs: ``text`` for ``place``, and ``link``, which installs, where there is one server and such
    links."""

    client: str
    place: str
    text: str
    link: str | None


@dataclass(frozen=True)
class Links:
    """A server and, by client, the link that installs it."""

    server: str
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Connect:
    """``left_out`` are the servers that clients are told nothing of; ``links`` are empty where one is asked for."""

    server: str
    servers: list[str]
    left_out: list[str]
    recipes: list[Recipe]
    links: list[Links]


def page(request: Request, sources: Sources) -> Answer:
    """The page for the server of the query, or for all, or that there is no such server."""
    try:
        state = sources.state()
    except StateMissing:
        return fault(request, "missing", f"{sources.state_file}")
    except StateUnreadable as error:
        return fault(request, "unreadable", str(error))
    server = request.asked("server")
    if server and server not in state.names:
        return unknown_server(request, server, state.names)
    answer = render("connect.html", request, severity=state.severity, view=connect_view(state, server))
    return replace(answer, may_be_compressed=True)


def connect_view(state: State, server: str = "") -> Connect:
    """What the page says; ``server`` is a name, empty for all."""
    told: Mapping[str, Mapping[str, Any]] = client_config(state)["mcpServers"]
    wanted = {name: entry for name, entry in told.items() if name == server} if server else told
    return Connect(
        server=server,
        servers=sorted(told),
        left_out=sorted(name for name in state.names if name not in told and server in ("", name)),
        recipes=[
            Recipe(
                each.name,
                each.place,
                each.text(wanted),
                each.link(server, wanted[server]) if server and each.link is not None else None,
            )
            for each in CLIENTS
            if wanted
        ],
        links=[] if server else [Links(name, _links(name, entry)) for name, entry in wanted.items()],
    )


def _links(name: str, entry: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((each.name, each.link(name, entry)) for each in CLIENTS if each.link is not None)
