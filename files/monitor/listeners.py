"""Reading the routes file: what files/routes.schema.json describes, as plain objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = 1
LARGEST_FILE = 8 * 1024 * 1024


class ListenersUnreadable(Exception):
    """The file holds no listeners. The message is a sentence for people."""


@dataclass(frozen=True)
class Target:
    """A registered target with its health, in the load balancer's words. ``here``: on the host of the run."""

    id: str
    port: int
    here: bool
    state: str
    reason: str | None
    description: str | None


@dataclass(frozen=True)
class TargetGroup:
    """A target group of the fleet; ``targets`` is None where no run has asked yet, ``checked`` is when one did."""

    name: str
    arn: str
    server: str | None
    health_check: str
    targets: tuple[Target, ...] | None
    checked: datetime | None


@dataclass(frozen=True)
class Rule:
    """A rule; ``priority`` is None for the default one, ``server`` whose route it is where it is the fleet's."""

    priority: int | None
    arn: str
    ours: bool
    server: str | None
    conditions: tuple[str, ...]
    transforms: tuple[str, ...]
    actions: tuple[str, ...]
    target_groups: tuple[str, ...]


@dataclass(frozen=True)
class Quota:
    """What of a quota is used; ``asked``: the account says the limit, else it is the documented one."""

    name: str
    used: int
    limit: int
    asked: bool


@dataclass(frozen=True)
class Listener:
    """A listener as a run found it; ``problem`` is why nothing is known of it."""

    arn: str
    load_balancer: str
    protocol: str
    port: int
    url: str | None
    asked: datetime
    rules: tuple[Rule, ...]
    target_groups: tuple[TargetGroup, ...]
    quotas: tuple[Quota, ...]
    problem: str | None


@dataclass(frozen=True)
class Listeners:
    """The listeners, the one next to the servers first, and the run that found them so."""

    run: str
    finished: datetime
    listeners: tuple[Listener, ...]

    def rules_of(self, server: str) -> list[tuple[Listener, Rule]]:
        """Returns the rules of a server's route."""
        return [(each, rule) for each in self.listeners for rule in each.rules if rule.ours and rule.server == server]

    def target_groups_of(self, server: str) -> list[TargetGroup]:
        """Returns the target groups of a server."""
        return [group for each in self.listeners for group in each.target_groups if group.server == server]


def read_listeners(path: Path) -> Listeners | None:
    """Returns what the last run that reached the load balancers found; None where none has written it yet.

    Raises ListenersUnreadable.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ListenersUnreadable(f"{path} cannot be read: {error.strerror}") from error
    try:
        return _listeners(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ListenersUnreadable(f"{path} is not a whole file of this release; the next run replaces it") from error


def _listeners(found: Any) -> Listeners:
    if found["version"] != VERSION:
        raise ValueError("another version")
    return Listeners(
        str(found["run"]), _moment(found["finished"]), tuple(_listener(each) for each in found["listeners"])
    )


def _listener(found: dict[str, Any]) -> Listener:
    return Listener(
        arn=str(found["arn"]),
        load_balancer=str(found["load_balancer"]),
        protocol=str(found["protocol"]),
        port=int(found["port"]),
        url=_maybe(found["url"]),
        asked=_moment(found["asked"]),
        rules=tuple(_rule(each) for each in found["rules"]),
        target_groups=tuple(_group(each) for each in found["target_groups"]),
        quotas=tuple(
            Quota(str(each["name"]), int(each["used"]), int(each["limit"]), bool(each["asked"]))
            for each in found["quotas"]
        ),
        problem=_maybe(found["problem"]),
    )


def _rule(found: dict[str, Any]) -> Rule:
    return Rule(
        priority=None if found["priority"] is None else int(found["priority"]),
        arn=str(found["arn"]),
        ours=bool(found["ours"]),
        server=_maybe(found["server"]),
        conditions=_texts(found["conditions"]),
        transforms=_texts(found["transforms"]),
        actions=_texts(found["actions"]),
        target_groups=_texts(found["target_groups"]),
    )


def _group(found: dict[str, Any]) -> TargetGroup:
    targets, checked = found["targets"], found["checked"]
    return TargetGroup(
        name=str(found["name"]),
        arn=str(found["arn"]),
        server=_maybe(found["server"]),
        health_check=str(found["health_check"]),
        targets=None if targets is None else tuple(_target(each) for each in targets),
        checked=None if checked is None else _moment(checked),
    )


def _target(found: dict[str, Any]) -> Target:
    return Target(
        id=str(found["id"]),
        port=int(found["port"]),
        here=bool(found["here"]),
        state=str(found["state"]),
        reason=_maybe(found["reason"]),
        description=_maybe(found["description"]),
    )


def _texts(found: list[Any]) -> tuple[str, ...]:
    return tuple(str(each) for each in found)


def _maybe(found: Any) -> str | None:
    return None if found is None else str(found)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
