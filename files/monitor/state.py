"""Reading the state file: what files/state.schema.json describes, as plain objects, or the reason why not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = 2
SEVERITIES = ("ok", "warning", "critical", "none")
_PACKAGE = ("name", "version")
# A state of a thousand servers has about a megabyte; anything far beyond is not ours.
LARGEST_FILE = 32 * 1024 * 1024


class StateUnreadable(Exception):
    """The state file does not hold a state. The message is a sentence for people."""


class StateMissing(StateUnreadable):
    """No run has written a state yet."""


@dataclass(frozen=True)
class Server:
    """One server of the config. Optional fields are None where the run did not come so far.

    The texts are sentences for people: ``condition_text``, ``transport``, ``limits``, ``network``. ``severity`` is ok,
    warning, critical or none. ``logs`` is the command that shows the container's log.
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


@dataclass(frozen=True)
class Remote:
    """One server of the config that runs elsewhere; ``client`` is what clients may be told, if they can use it.

    The state of an older release says neither how it is nor what it offers.
    """

    name: str
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
    root = _Node(document, "state")
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


def _count(node: _Node) -> Count:
    return Count(
        condition=node.get("condition").text(),
        text=node.get("text").text(),
        severity=node.get("severity").one_of(SEVERITIES),
        servers=node.get("servers").whole(),
    )


def _server(node: _Node) -> Server:
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
    )


def _software(node: _Node) -> str | None:
    return None if node.none else f"{node.get('name').text()} {node.get('version').text()}".strip()


def _since(node: _Node) -> datetime | None:
    since = node.maybe("since")
    return None if since.none else since.moment()


def _sessions(node: _Node) -> str | None:
    if node.none:
        return None
    killed = node.get("oom_kills").whole()
    told = f"{node.get('held').whole()} open, room for {node.get('fit').whole()}"
    return told if not killed else f"{told}; {killed} processes killed for want of memory"


def _remote(node: _Node) -> Remote:
    severity, health = node.maybe("severity"), node.maybe("health")
    known = not health.none
    checked = health.maybe("checked")
    return Remote(
        name=node.get("name").text(),
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
    )


class _Node:
    """A place in the document, which knows its name for the case that something else stands there."""

    def __init__(self, raw: Any, place: str) -> None:
        self.raw = raw
        self.place = place

    @property
    def none(self) -> bool:
        return self.raw is None

    def get(self, key: str) -> _Node:
        if not isinstance(self.raw, dict):
            raise self._unlike("an object")
        if key not in self.raw:
            raise StateUnreadable(f"the state file is incomplete: {self.place}.{key} is missing")
        return _Node(self.raw[key], f"{self.place}.{key}")

    def maybe(self, key: str) -> _Node:
        """The same for what the file of an older version has not."""
        return self.get(key) if isinstance(self.raw, dict) and key in self.raw else _Node(None, f"{self.place}.{key}")

    def members(self) -> list[_Node]:
        if not isinstance(self.raw, list):
            raise self._unlike("a list")
        return [_Node(member, f"{self.place}[{index}]") for index, member in enumerate(self.raw)]

    def texts(self) -> tuple[str, ...]:
        return tuple(member.text() for member in self.members())

    def maybe_object(self) -> dict[str, Any] | None:
        if self.raw is not None and not isinstance(self.raw, dict):
            raise self._unlike("an object")
        return self.raw

    def text(self) -> str:
        if not isinstance(self.raw, str):
            raise self._unlike("a text")
        return self.raw

    def one_of(self, known: tuple[str, ...]) -> str:
        if self.text() not in known:
            raise self._unlike(f"one of {', '.join(known)}")
        return self.text()

    def moment(self) -> datetime:
        try:
            moment = datetime.fromisoformat(self.text())
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise self._unlike("a time") from error

    def maybe_text(self) -> str | None:
        return None if self.none else self.text()

    def maybe_whole(self) -> int | None:
        return None if self.none else self.whole()

    def whole(self) -> int:
        if not isinstance(self.raw, int) or isinstance(self.raw, bool):
            raise self._unlike("a whole number")
        return self.raw

    def maybe_number(self) -> float | None:
        if self.none:
            return None
        if not isinstance(self.raw, (int, float)) or isinstance(self.raw, bool):
            raise self._unlike("a number")
        return self.raw

    def _unlike(self, wanted: str) -> StateUnreadable:
        return StateUnreadable(f"the state file is not valid: {self.place} is not {wanted}")
