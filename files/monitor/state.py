"""Reading the state file: what files/state.schema.json describes, as plain objects, or the reason why not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = 1
_PACKAGE = ("name", "version")
# A state of a thousand servers has about a megabyte; anything far beyond is not ours.
LARGEST_FILE = 32 * 1024 * 1024


class StateUnreadable(Exception):
    """The state file does not hold a state. The message is a sentence for people."""


class StateMissing(StateUnreadable):
    """No run has written a state yet."""


@dataclass(frozen=True)
class Server:
    """One server of the config. Optional fields are None where the run did not come so far."""

    name: str
    desired: str
    observed: str
    image: str | None
    package: str | None
    command: str | None
    transport: str | None
    port: int | None
    path: str | None
    memory: int | None
    cpus: float | None
    pids: int | None
    network: str | tuple[str, ...] | None
    generation: str | None
    container: str | None
    endpoint: str | None
    url: str | None
    rule_arn: str | None
    target_group_arn: str | None
    priority: int | None
    status: str
    checked: datetime | None
    latency_ms: float | None
    software: str | None
    protocol: str | None
    tools: tuple[str, ...]
    reason: str | None
    exceptions: tuple[str, ...]
    notes: tuple[str, ...]
    client: dict[str, Any] | None
    error: str | None

    @property
    def condition(self) -> str:
        """In one word: ok, degraded, failing, invalid, unknown or disabled.

        A degraded server answers, although something about it went wrong: an update that failed, for example.
        """
        if self.desired in ("disabled", "invalid"):
            return self.desired
        if self.status == "ok":
            return "degraded" if self.error else "ok"
        if self.error or self.status == "failing" or self.observed == "failed":
            return "failing"
        return "unknown"


@dataclass(frozen=True)
class Remote:
    """One server of the config that runs elsewhere; ``client`` is what clients may be told, if they can use it."""

    name: str
    enabled: bool
    type: str | None
    url: str | None
    headers: tuple[str, ...]
    notes: tuple[str, ...]
    client: dict[str, Any] | None


@dataclass(frozen=True)
class Problem:
    """An error of the run; of the whole run when server is None."""

    server: str | None
    step: str
    message: str


@dataclass(frozen=True)
class State:
    """The last run and what it found."""

    fleet: str
    monitor: str | None
    run_id: str
    started: datetime
    finished: datetime
    result: str
    interval_seconds: int | None
    changes: tuple[str, ...]
    servers: tuple[Server, ...]
    remotes: tuple[Remote, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()


def read_state(path: Path) -> State:
    """The state that the file holds; raises StateMissing or StateUnreadable."""
    return parse_state(read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """The file's content; raises StateMissing or StateUnreadable."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise StateMissing(f"{path} is not there: no run has written it yet") from None
    except OSError as error:
        raise StateUnreadable(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise StateUnreadable(f"{path} is larger than 32 MiB, which no state is")
    return content


def parse_state(content: bytes) -> State:
    """The state in a file's content; raises StateUnreadable naming the place that is wrong."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "it"
        raise StateUnreadable(f"the state file is not whole JSON: {place} does not parse") from error
    root = _Node(document, "state")
    if (version := root.get("version").raw) != VERSION:
        raise StateUnreadable(f"the state file has version {version!r}; this monitor reads version {VERSION}")
    run = root.get("run")
    return State(
        fleet=root.get("fleet").text(),
        monitor=root.get("monitor").maybe_text(),
        run_id=run.get("id").text(),
        started=run.get("started").moment(),
        finished=run.get("finished").moment(),
        result=run.get("result").text(),
        interval_seconds=run.get("interval_seconds").maybe_whole(),
        changes=run.get("changes").texts(),
        servers=tuple(_server(node) for node in root.get("servers").members()),
        remotes=tuple(_remote(node) for node in root.get("remotes").members()),
        problems=tuple(
            Problem(node.get("server").maybe_text(), node.get("step").text(), node.get("message").text())
            for node in root.get("errors").members()
        ),
        # Missing in files of a release that had none.
        warnings=root.get("warnings").texts() if "warnings" in document else (),
    )


def client_config(state: State) -> dict[str, Any]:
    """The config file that an MCP client needs to reach every server that it can; no secret is in it."""
    listed: list[Server | Remote] = [*state.servers, *state.remotes]
    told = {each.name: each.client for each in listed if each.client is not None}
    return {"mcpServers": dict(sorted(told.items()))}


def _server(node: _Node) -> Server:
    endpoint = node.get("endpoint")
    route = node.get("route")
    health = node.get("health")
    software = health.get("server")
    package = node.get("package")
    limits = node.get("limits")
    checked = health.get("checked")
    return Server(
        name=node.get("name").text(),
        desired=node.get("desired").text(),
        observed=node.get("observed").text(),
        image=node.get("image").maybe_text(),
        package=None if package.none else " ".join(filter(None, (package.get(k).maybe_text() for k in _PACKAGE))),
        command=None if node.get("command").none else " ".join(node.get("command").texts()),
        transport=node.get("transport").maybe_text(),
        port=node.get("port").maybe_whole(),
        path=node.get("path").maybe_text(),
        memory=None if limits.none else limits.get("memory").maybe_whole(),
        cpus=None if limits.none else limits.get("cpus").maybe_number(),
        pids=None if limits.none else limits.get("pids").maybe_whole(),
        network=_network(node.get("network")),
        generation=node.get("generation").maybe_text(),
        container=node.get("container").maybe_text(),
        endpoint=None if endpoint.none else f"{endpoint.get('address').maybe_text()}:{endpoint.get('port').raw}",
        url=None if route.none else route.get("url").maybe_text(),
        rule_arn=None if route.none else route.get("rule_arn").maybe_text(),
        target_group_arn=None if route.none else route.get("target_group_arn").maybe_text(),
        priority=None if route.none else route.get("priority").maybe_whole(),
        status=health.get("status").text(),
        checked=None if checked.none else checked.moment(),
        latency_ms=health.get("latency_ms").maybe_number(),
        software=None if software.none else f"{software.get('name').text()} {software.get('version').text()}".strip(),
        protocol=health.get("protocol").maybe_text(),
        tools=health.get("tools").texts(),
        reason=health.get("reason").maybe_text(),
        exceptions=node.get("exceptions").texts(),
        notes=node.get("notes").texts(),
        client=node.get("client").maybe_object(),
        error=node.get("error").maybe_text(),
    )


def _network(node: _Node) -> str | tuple[str, ...] | None:
    return node.texts() if isinstance(node.raw, list) else node.maybe_text()


def _remote(node: _Node) -> Remote:
    return Remote(
        name=node.get("name").text(),
        enabled=node.get("enabled").raw is True,
        type=node.get("type").maybe_text(),
        url=node.get("url").maybe_text(),
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
            raise StateUnreadable(f"the state file is not whole: {self.place}.{key} is missing")
        return _Node(self.raw[key], f"{self.place}.{key}")

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

    def moment(self) -> datetime:
        try:
            moment = datetime.fromisoformat(self.text())
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise self._unlike("a time") from error

    def maybe_text(self) -> str | None:
        return None if self.none else self.text()

    def maybe_whole(self) -> int | None:
        if self.none:
            return None
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
        return StateUnreadable(f"the state file is not as it should be: {self.place} is not {wanted}")
