"""What the state file says of a server, as names and values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.duration import ago
from monitor.state import Remote, Server

SHORT_ID = 12


@dataclass(frozen=True)
class Fact:
    """A name and its value, or several; long values get a line for themselves."""

    name: str
    value: str | tuple[str, ...] | None
    wide: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The value as a list, one line each."""
        return (self.value or "",) if not isinstance(self.value, tuple) else self.value


def facts_of(server: Server | Remote, now: datetime) -> tuple[Fact, ...]:
    """Returns what is known of a server."""
    found = _of_server(server, now) if isinstance(server, Server) else _of_remote(server, now)
    return tuple(fact for fact in found if fact.value)


def _of_remote(remote: Remote, now: datetime) -> Iterator[Fact]:
    yield Fact("Asked", _asked(remote, now))
    yield Fact("Since", since(remote, now))
    yield Fact("Introduces itself as", remote.software)
    yield Fact("Speaks", remote.transport)
    yield Fact("Clients send", ", ".join(remote.headers))
    yield Fact("Group", remote.group)
    yield Fact("Address", remote.url, wide=True)


def _of_server(server: Server, now: datetime) -> Iterator[Fact]:
    yield Fact("Asked", _asked(server, now))
    yield Fact("Since", since(server, now))
    yield Fact("Introduces itself as", server.software)
    yield Fact("Speaks", f"MCP {server.protocol}" if server.protocol else None)
    if server.is_in_cluster:
        yield Fact("Deployment", ", ".join(filter(None, (server.container, server.observed))))
    elif server.container_id:
        yield Fact("Container", ", ".join(filter(None, (server.container, server.observed))))
        yield Fact("Container id", server.container_id[:SHORT_ID])
    elif server.desired != "invalid":
        yield Fact("Container", server.observed)
    yield Fact("Draining", server.draining)
    yield Fact("Requires", server.requires)
    yield Fact("Image", server.image)
    yield Fact("Built from", server.package)
    yield Fact("Generation", server.generation)
    yield Fact("Transport", server.transport)
    yield Fact("Limits", server.limits)
    yield Fact("Sessions", server.sessions)
    yield Fact("Network reach", server.network)
    yield Fact("On this host", server.endpoint)
    yield Fact("Group", server.group)
    yield Fact("Hosts", ", ".join(server.hosts))
    yield Fact("Runs on", server.where)
    yield Fact("Log", server.logs)
    yield Fact("Command", server.command, wide=True)
    yield Fact("Address", server.url, wide=True)


def since(server: Server | Remote, now: datetime) -> str | None:
    """Since when it is in its condition."""
    return f"{server.since:%Y-%m-%d %H:%M:%S} UTC, {ago(server.since, now)}" if server.since is not None else None


def _asked(server: Server | Remote, now: datetime) -> str | None:
    if server.checked is None:
        return server.reason
    took = (
        f", answered in {server.latency_ms:.0f} ms" if server.status == "ok" and server.latency_ms is not None else ""
    )
    slept = f", {server.reason}" if server.status == "asleep" and server.reason else ""
    return f"{ago(server.checked, now)}{took}{slept}"
