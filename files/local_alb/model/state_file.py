"""The state on disk: one JSON file, replaced atomically, in a directory that one process at a time may use."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from .world import (
    Document,
    HealthCheck,
    Listener,
    LoadBalancer,
    Resource,
    Rule,
    Strings,
    Target,
    TargetGroup,
    World,
)

VERSION = 1
_KINDS: dict[str, type[Any]] = {
    "load_balancers": LoadBalancer,
    "listeners": Listener,
    "rules": Rule,
    "target_groups": TargetGroup,
}


class StateError(Exception):
    """The directory or the file in it cannot be used; the text says why and what to do."""


class StateFile:
    """``directory`` is made if it is missing, and held until the process ends.

    Raises StateError where another process holds it.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "state.json"
        self._encoded: dict[int, tuple[Resource, str]] = {}
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = open(directory / "lock", "a+", encoding="ascii")  # noqa: SIM115
        except OSError as error:
            raise StateError(f"{directory} cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "unknown"
            reason = f"{directory} is in use by another local_alb (process {holder}); stop that one first"
            raise StateError(reason) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def load(self) -> World | None:
        """Returns the world of the last save, None where there is none.

        Raises StateError for a file that cannot be understood. The file stays, and so does a copy of it, since starting
        with an empty world would take every route away.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self.path} cannot be read: {error.strerror}") from None
        try:
            world = decode(json.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            copy = self.path.with_name(f"state.json.corrupt-{time.strftime('%Y%m%dT%H%M%S')}")
            copy.write_bytes(content)
            copy.chmod(0o600)
            good = self.path.with_name("state.json.backup")
            way_out = f"put {good} in its place" if good.exists() else "put a good copy in its place"
            raise StateError(
                f"{self.path} is damaged ({str(error) or type(error).__name__}) and was copied to {copy.name}; "
                f"{way_out}, or remove it to begin with no routes"
            ) from None
        self._replace(self.path.with_name("state.json.backup"), content)
        return world

    def save(self, world: World) -> None:
        """Writes ``world``; when this returns it survives a crash. Raises OSError where the disk refuses."""
        self._replace(self.path, self._encode(world).encode())

    def _encode(self, world: World) -> str:
        # Resources never change, so each is turned into text once; only new ones cost anything.
        encoded: dict[int, tuple[Resource, str]] = {}
        parts = []
        for kind in _KINDS:
            texts = []
            for resource in getattr(world, kind).values():
                known = self._encoded.get(id(resource))
                text = known[1] if known else json.dumps(asdict(resource), separators=(",", ":"))
                encoded[id(resource)] = (resource, text)
                texts.append(text)
            joined = ",\n".join(texts)
            parts.append(f'"{kind}":[\n{joined}]')
        self._encoded = encoded
        return f'{{"version":{VERSION},\n' + ",\n".join(parts) + "}\n"

    @staticmethod
    def _replace(path: Path, content: bytes) -> None:
        temporary = path.with_name(f"{path.name}.new")
        # A bare os.write() may put down a part only, and says so by a number that is easily overlooked.
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fdatasync(file.fileno())
        os.replace(temporary, path)


def decode(document: Any) -> World:
    """Returns the world that a state file describes. Raises ValueError, TypeError or KeyError where it has none."""
    if document["version"] != VERSION:
        raise ValueError(f"version {document['version']} is unknown")
    unknown = set(document) - {"version", *_KINDS}
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}")
    found = {}
    for kind, model in _KINDS.items():
        resources = [_resource(model, item) for item in document[kind]]
        found[kind] = {resource.arn: resource for resource in resources}
    world = World(**found)
    _check_references(world)
    return world


def _resource(model: type[Any], item: dict[str, Any]) -> Any:
    values = {}
    for name, kind in get_type_hints(model).items():
        if kind is HealthCheck:
            values[name] = _resource(HealthCheck, item[name])
        elif kind == tuple[Target, ...]:
            values[name] = tuple(_resource(Target, target) for target in item[name])
        else:
            values[name] = _value(item[name], kind, f"{model.__name__}.{name}")
    return model(**values)


def _value(value: Any, kind: Any, where: str) -> Any:
    """Returns ``value`` as the model wants it; raises ValueError where it is something else."""
    if kind == Strings:
        fits = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    elif get_origin(kind) is tuple:
        member = dict if get_args(kind)[0] == Document else get_args(kind)[0]
        fits = isinstance(value, list) and all(isinstance(item, member) for item in value)
        value = tuple(value) if fits else value
    else:
        # A number without a fraction is as good as one with it; True is no number.
        fits = isinstance(value, float | int if kind is float else kind) and not isinstance(value, bool)
    if not fits:
        raise ValueError(f"{where} cannot be {json.dumps(value)[:40]}")
    return value


def _check_references(world: World) -> None:
    for listener in world.listeners.values():
        if listener.load_balancer_arn not in world.load_balancers:
            raise ValueError(f"the load balancer of {listener.arn} is missing")
    for rule in world.rules.values():
        if rule.listener_arn not in world.listeners:
            raise ValueError(f"the listener of {rule.arn} is missing")
    for balancer in world.load_balancers:
        for arn in world.groups_of(balancer):
            if arn not in world.target_groups:
                raise ValueError(f"the target group {arn} is missing")
