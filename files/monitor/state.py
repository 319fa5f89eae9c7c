"""Reading the state file: what files/state.schema.json describes, as plain objects, or the reason why not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from monitor.document import Node
from monitor.document import StateUnreadable as StateUnreadable

VERSION = 2
SEVERITIES = ("ok", "warning", "critical", "none")
_PACKAGE = ("name", "version")
# A state of a thousand servers has about a megabyte; anything far beyond is not ours.
LARGEST_FILE = 32 * 1024 * 1024


class StateMissing(StateUnreadable):
    """No run has written a state yet."""


@dataclass(frozen=True)
class Override:
    """What an operator has asked for on top of the config: ``kind`` is stopped or restarted."""

    kind: str
    by: str | None
    at: datetime | None
    request: str | None


@dataclass(frozen=True)
class Server:
    """One server of the config. Optional fields are None where the run did not come so far.

    The texts are sentences for people: ``condition_text``, ``transport``, ``limits``, ``network``. ``severity`` is ok,
    warning, critical or none. ``logs`` is the command that shows the container's log. ``next_try`` is when a server
    that has failed is tried again. ``requires`` says of each of what it needs beside itself how that is. ``hosts`` are
    the names of those that run it, and ``where`` on how many of them and in how many pods it runs, if it has some.
    ``cpus`` (cores) and ``memory`` (bytes) are the limits of each container.
    """

    name: str
    desired: str
    observed: str
    condition: str
    condition_text: str
    severity: str
    image: str | None
    package: str | None
    command: str | None
    transport: str | None
    limits: str | None
    network: str | None
    where: str | None
    generation: str | None
    container: str | None
    container_id: str | None
    logs: str | None
    endpoint: str | None
    url: str | None
    rule_arn: str | None
    target_group_arn: str | None
    priority: int | None
    status: str
    checked: datetime | None
    latency_ms: float | None
    sessions: str | None
    software: str | None
    protocol: str | None
    tools: tuple[str, ...]
    reason: str | None
    exceptions: tuple[str, ...]
    notes: tuple[str, ...]
    client: dict[str, Any] | None
    error: str | None
    since: datetime | None
    group: str | None
    hosts: tuple[str, ...]
    override: Override | None
    next_try: datetime | None
    cpus: float | None
    memory: int | None
    draining: str | None
    requires: tuple[str, ...]

    @property
    def is_in_cluster(self) -> bool:
        """Whether pods serve it: what stands for its container is their Deployment."""
        return self.container_id is not None and self.container_id.startswith("deployment/")


@dataclass(frozen=True)
class Remote:
    """One server of the config that runs elsewhere; ``client`` is what clients may be told, if they can use it.

    The state of an older release says neither how it is nor what it offers.
    """

    name: str
    condition: str
    condition_text: str
    severity: str
    transport: str | None
    url: str | None
    status: str
    checked: datetime | None
    latency_ms: float | None
    software: str | None
    protocol: str | None
    tools: tuple[str, ...]
    reason: str | None
    error: str | None
    since: datetime | None
    headers: tuple[str, ...]
    notes: tuple[str, ...]
    client: dict[str, Any] | None
    group: str | None


@dataclass(frozen=True)
class RunError:
    """An error of the run; of the whole run when server is None."""

    server: str | None
    step: str
    message: str


@dataclass(frozen=True)
class Count:
    """How many servers are in one condition."""

    condition: str
    text: str
    severity: str
    servers: int


@dataclass(frozen=True)
class State:
    """The last run and what it found.

    ``summary`` is the fleet in one sentence without its full stop; ``counts`` has the most urgent condition first.
    """

    fleet: str
    monitor: str | None
    run_id: str
    started: datetime
    finished: datetime
    result: str
    interval_seconds: int | None
    changes: tuple[str, ...]
    summary: str
    severity: str
    counts: tuple[Count, ...]
    servers: tuple[Server, ...]
    remotes: tuple[Remote, ...]
    errors: tuple[RunError, ...]
    warnings: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names of all servers, remote ones among them."""
        return [*(each.name for each in self.servers), *(each.name for each in self.remotes)]


def read_state(path: Path) -> State:
    """The state that the file holds; raises StateMissing or StateUnreadable."""
    return parse_state(read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """The file's content; raises StateMissing or StateUnreadable."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise StateMissing(f"{path} is missing: no run has written it yet") from None
    except OSError as error:
        raise StateUnreadable(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise StateUnreadable(f"{path} is larger than 32 MiB, more than any state")
    return content


def parse_state(content: bytes) -> State:
    """The state in a file's content; raises StateUnreadable naming the place that is wrong."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "it"
        raise StateUnreadable(f"the state file is not complete JSON: {place} does not parse") from error
    root = Node(document, "state")
    if (version := root.get("version").raw) != VERSION:
        raise StateUnreadable(
            f"the state file has version {version!r} and this monitor reads version {VERSION}: another release wrote"
            " it, and the next run of this one replaces it"
        )
    run, summary = root.get("run"), root.get("summary")
    return State(
        fleet=root.get("fleet").text(),
        monitor=root.get("monitor").maybe_text(),
        run_id=run.get("id").text(),
        started=run.get("started").moment(),
        finished=run.get("finished").moment(),
        result=run.get("result").text(),
        interval_seconds=run.get("interval_seconds").maybe_whole(),
        changes=run.get("changes").texts(),
        summary=summary.get("text").text(),
        severity=summary.get("severity").one_of(SEVERITIES),
        counts=tuple(_count(node) for node in summary.get("counts").members()),
        servers=tuple(_server(node) for node in root.get("servers").members()),
        remotes=tuple(_remote(node) for node in root.get("remotes").members()),
        errors=tuple(
            RunError(node.get("server").maybe_text(), node.get("step").text(), node.get("message").text())
            for node in root.get("errors").members()
        ),
        warnings=root.get("warnings").texts(),
    )


def client_config(state: State) -> dict[str, Any]:
    """The config file that an MCP client needs to reach every server that it can; no secret is in it."""
    listed: list[Server | Remote] = [*state.servers, *state.remotes]
    told = {each.name: each.client for each in listed if each.client is not None}
    return {"mcpServers": dict(sorted(told.items()))}


def _count(node: Node) -> Count:
    return Count(
        condition=node.get("condition").text(),
        text=node.get("text").text(),
        severity=node.get("severity").one_of(SEVERITIES),
        servers=node.get("servers").whole(),
    )


def _server(node: Node) -> Server:
    endpoint = node.get("endpoint")
    route = node.get("route")
    health = node.get("health")
    software = health.get("server")
    package = node.get("package")
    words = node.get("text")
    container = node.get("container")
    checked = health.get("checked")
    return Server(
        name=node.get("name").text(),
        desired=node.get("desired").text(),
        observed=node.get("observed").text(),
        condition=node.get("condition").text(),
        condition_text=words.get("condition").text(),
        severity=node.get("severity").one_of(SEVERITIES),
        image=node.get("image").maybe_text(),
        package=None if package.none else " ".join(filter(None, (package.get(k).maybe_text() for k in _PACKAGE))),
        command=None if node.get("command").none else " ".join(node.get("command").texts()),
        transport=words.get("transport").maybe_text(),
        limits=words.get("limits").maybe_text(),
        where=words.maybe("where").maybe_text(),
        network=words.get("network").maybe_text(),
        generation=node.get("generation").maybe_text(),
        container=None if container.none else container.get("name").maybe_text(),
        container_id=None if container.none else container.get("id").text(),
        logs=None if container.none else container.get("logs").text(),
        endpoint=None if endpoint.none else f"{endpoint.get('address').maybe_text()}:{endpoint.get('port').raw}",
        url=None if route.none else route.get("url").maybe_text(),
        rule_arn=None if route.none else route.get("rule_arn").maybe_text(),
        target_group_arn=None if route.none else route.get("target_group_arn").maybe_text(),
        priority=None if route.none else route.get("priority").maybe_whole(),
        status=health.get("status").text(),
        checked=None if checked.none else checked.moment(),
        latency_ms=health.get("latency_ms").maybe_number(),
        sessions=_sessions(health.maybe("sessions")),
        software=_software(software),
        protocol=health.get("protocol").maybe_text(),
        tools=health.get("tools").texts(),
        reason=health.get("reason").maybe_text(),
        exceptions=node.get("exceptions").texts(),
        notes=node.get("notes").texts(),
        client=node.get("client").maybe_object(),
        error=node.get("error").maybe_text(),
        since=_since(node),
        group=node.maybe("group").maybe_text(),
        hosts=() if node.maybe("hosts").none else node.get("hosts").texts(),
        override=_override(node.maybe("override")),
        next_try=_moment(node.maybe("retry"), "next_try"),
        cpus=None if node.maybe("limits").none else node.get("limits").get("cpus").maybe_number(),
        draining=_draining(node.maybe("draining")),
        memory=None if node.maybe("limits").none else node.get("limits").get("memory").maybe_whole(),
        requires=() if node.maybe("requires").none else tuple(map(_requirement, node.get("requires").members())),
    )


def _requirement(node: Node) -> str:
    container = node.get("container")
    shown = "" if container.none else f", {container.get('name').maybe_text() or container.get('id').text()}"
    return f"{node.get('name').text()} ({node.get('image').text()}): {node.get('state').text()}{shown}"


def _draining(node: Node) -> str | None:
    if node.none:
        return None
    containers, sessions = node.get("containers").whole(), node.get("sessions").whole()
    plural = ("" if containers == 1 else "s", "" if sessions == 1 else "s")
    return f"{containers} replaced container{plural[0]} with {sessions} session{plural[1]}"


def _override(node: Node) -> Override | None:
    for kind in ("stopped", "restarted"):
        if not node.none and not (mark := node.get(kind)).none:
            by, request = mark.get("by").maybe_text(), mark.get("request").maybe_text()
            return Override(kind, by, _moment(mark, "at"), request)
    return None


def _moment(node: Node, key: str) -> datetime | None:
    return None if node.none or node.get(key).none else node.get(key).moment()


def _software(node: Node) -> str | None:
    return None if node.none else f"{node.get('name').text()} {node.get('version').text()}".strip()


def _since(node: Node) -> datetime | None:
    since = node.maybe("since")
    return None if since.none else since.moment()


def _sessions(node: Node) -> str | None:
    if node.none:
        return None
    killed = node.get("oom_kills").whole()
    told = f"{node.get('held').whole()} open, room for {node.get('fit').whole()}"
    return told if not killed else f"{told}; {killed} processes killed for want of memory"


def _remote(node: Node) -> Remote:
    severity, health = node.maybe("severity"), node.maybe("health")
    known = not health.none
    checked = health.maybe("checked")
    return Remote(
        name=node.get("name").text(),
        condition=node.maybe("condition").maybe_text() or "unknown",
        condition_text=node.get("text").get("condition").text(),
        severity="none" if severity.none else severity.one_of(SEVERITIES),
        transport=node.get("text").get("transport").maybe_text(),
        url=node.get("url").maybe_text(),
        status=health.get("status").text() if known else "unknown",
        checked=None if checked.none else checked.moment(),
        latency_ms=health.maybe("latency_ms").maybe_number(),
        software=_software(health.maybe("server")),
        protocol=health.maybe("protocol").maybe_text(),
        tools=health.get("tools").texts() if known else (),
        reason=health.maybe("reason").maybe_text(),
        error=node.maybe("error").maybe_text(),
        since=_since(node),
        headers=node.get("headers").texts(),
        notes=node.get("notes").texts(),
        client=node.get("client").maybe_object(),
        group=node.maybe("group").maybe_text(),
    )
