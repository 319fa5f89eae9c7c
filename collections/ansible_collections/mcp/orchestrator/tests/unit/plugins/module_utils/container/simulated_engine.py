# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Docker engine in memory: keeps names and ports unique, echoes what it was given, and can be killed at any call."""

from __future__ import annotations

import copy
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.clock import Clock
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import EngineError, NetworkInUse
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import FirewallError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import Answer
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import HostNetwork, Ruleset
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Source

RUNS = ("running", "paused", "restarting")


class Killed(BaseException):
    """The run was killed: what was asked of the engine before stands, nothing more is asked."""


class StillClock(Clock):
    """Time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class SimulatedEngine:
    """Also the probe, to which a running container answers unless its generation is in ``sick``, and the firewall.

    ``exits`` is what a step, and a command in a container, ends with by the container's name, 0 without; a step
    comes to its end at once. ``started`` are the names of what was started, in its order.
    """

    def __init__(self, clock: StillClock | None = None) -> None:
        self.clock = clock or StillClock()
        self.held: dict[str, dict[str, Any]] = {}
        self.images = {"one": "sha256:" + "1" * 64, "two": "sha256:" + "2" * 64}
        self.registry = {"far": "sha256:" + "f" * 64}
        self.nets: dict[str, dict[str, Any]] = {"other": {"Id": "net-other", "Labels": {}, "Options": {}}}
        self.kept: dict[str, dict[str, Any]] = {}
        self.guests: dict[str, list[str]] = {}
        self.sick: set[str] = set()
        self.exits: dict[str, int] = {}
        self.started: list[str] = []
        self.platforms: dict[str, tuple[str, str]] = {}
        self.calls_left: int | None = None
        self.faults: dict[str, Callable[[str], None]] = {}
        self.written: list[str] = []
        self.local = True
        self.firewall_error = ""
        self.itself: dict[str, Any] = {"SecurityOptions": ["name=seccomp,profile=default"]}
        self.kept_rules = Ruleset()
        self.saved_rules: tuple[str, str] | None = ("", "")
        self.own_host_network = HostNetwork(resolvers=("10.0.0.2",), own=frozenset({"192.88.99.99"}))
        self.loose: set[str] = set()
        self.names: dict[str, tuple[str, ...]] = {"api.test": ("192.88.99.7/32",)}
        self.files: dict[str, str] = {}
        self.paths: dict[str, Source] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    # What the firewall is asked and told

    def rules(self, fleet: str) -> Ruleset:
        if self.firewall_error:
            raise FirewallError(self.firewall_error)
        return self.kept_rules

    def host_network(self) -> HostNetwork:
        return self.own_host_network

    def write(self, fleet: str, present: Ruleset, desired: Ruleset) -> None:
        with self._told("write_rules", fleet):
            assert present == self.kept_rules
            self.kept_rules = desired

    def saved(self, fleet: str) -> tuple[str, str] | None:
        return self.saved_rules

    def save(self, fleet: str, texts: tuple[str, str]) -> None:
        with self._told("save_rules", fleet):
            self.saved_rules = texts

    def has_bridge(self, interface: str) -> bool:
        return interface not in self.loose

    def write_text(self, path: str, text: str) -> None:
        self.files[path] = text

    def look_up(self, hosts: Iterable[str]) -> dict[str, tuple[str, ...]]:
        return {host: self.names.get(host, ()) for host in hosts}

    # What the engine is asked

    def info(self) -> dict[str, Any]:
        return self.itself

    def containers(self) -> list[dict[str, Any]]:
        return [
            {
                "Id": each["Id"],
                "Names": ["/" + each["Name"]],
                "Labels": each["Config"]["Labels"],
                "Ports": [{"PublicPort": port} for port in self._ports(each)] if self._runs(each) else [],
            }
            for each in self.held.values()
        ]

    def container(self, identity: str) -> dict[str, Any] | None:
        with self._lock:
            return copy.deepcopy(self.held.get(identity))

    def image(self, reference: str) -> dict[str, Any] | None:
        found = reference if reference in self.images.values() else self.images.get(reference)
        if found is None:
            return None
        digest = found.replace("sha256:", "sha256:d")
        system, machine = self.platforms.get(reference, ("", ""))
        return {
            "Id": found,
            "Os": system,
            "Architecture": machine,
            "RepoDigests": [f"{reference}@{digest}"],
            "Config": {"Cmd": ["serve"], "ExposedPorts": {"8000/tcp": {}}},
        }

    def networks(self, names: Sequence[str], fleet: str | None = None) -> list[dict[str, Any]]:
        return [
            {"Name": name, **net}
            for name, net in self.nets.items()
            if name in names or (fleet is not None and net["Labels"].get(labels.FLEET) == fleet)
        ]

    def registry_digest(self, reference: str) -> str:
        if reference not in self.registry:
            raise EngineError(f"image {reference} cannot be pulled: not found")
        return self.registry[reference].replace("sha256:", "sha256:d")

    def volumes(self, label: str) -> list[dict[str, Any]]:
        name, value = label.split("=", 1)
        return [volume for volume in self.kept.values() if volume["Labels"].get(name) == value]

    def volume(self, name: str) -> dict[str, Any] | None:
        return self.kept.get(name)

    def look(self, paths: Iterable[str]) -> dict[str, Source]:
        return {path: self.paths.get(path, Source(path)) for path in paths} if self.local else {}

    def last_lines(self, identity: str, count: int) -> list[str]:
        return self.written[-count:]

    # What the engine is told

    def pull(self, reference: str, platform: str | None = None) -> None:
        with self._told("pull", reference):
            if reference not in self.registry:
                raise EngineError(f"image {reference} cannot be pulled: not found")
            self.images[reference] = self.registry[reference]

    def create_container(self, name: str, body: Mapping[str, Any], platform: str | None = None) -> str:
        with self._told("create", name):
            if any(each["Name"] == name for each in self.held.values()):
                raise EngineError(f"the name {name} is already in use by another container")
            if body["Image"] not in self.images:
                raise EngineError(f"no such image: {body['Image']}")
            identity = f"{next(self._numbers):064x}"
            mode = body["HostConfig"]["NetworkMode"]
            self.held[identity] = {
                "Id": identity,
                "Name": name,
                "Created": self._now(),
                "Image": self.images[body["Image"]],
                "RestartCount": 0,
                "Config": {key: value for key, value in copy.deepcopy(dict(body)).items() if key != "HostConfig"},
                "HostConfig": copy.deepcopy(body["HostConfig"]),
                "State": {"Status": "created", "ExitCode": 0, "Error": "", "StartedAt": "0001-01-01T00:00:00Z"},
                "NetworkSettings": {"Networks": {mode: {"NetworkID": ""}}},
            }
            return identity

    def start(self, identity: str) -> None:
        with self._told("start", identity):
            found = self._get(identity)
            taken = {port for each in self.held.values() if self._runs(each) for port in self._ports(each)}
            mode = found["HostConfig"]["NetworkMode"]
            joined = found["NetworkSettings"]["Networks"].get(mode)
            if mode not in self.nets or (joined and joined["NetworkID"] not in ("", self.nets[mode]["Id"])):
                raise EngineError(f"network {mode} not found")
            if not self._runs(found) and set(self._ports(found)) & taken:
                raise EngineError("port is already allocated", port_taken=True)
            if joined:
                joined["NetworkID"] = self.nets[mode]["Id"]
            found["State"] |= {"Status": "running", "StartedAt": self._now()}
            found["State"].pop("Health", None)
            self.started.append(found["Name"])
            if json.loads(found["Config"]["Labels"].get(labels.SPEC, "{}")).get("condition") == "completed":
                code = self.exits.get(found["Name"], 0)
                found["State"] |= {"Status": "exited", "ExitCode": code}

    def connect(self, network: str, identity: str) -> None:
        with self._told("connect", network):
            if network not in self.nets:
                raise EngineError(f"network {network} not found")
            joined = self._get(identity)["NetworkSettings"]["Networks"]
            joined[network] = {"NetworkID": self.nets[network]["Id"]}

    def execute(self, identity: str, command: Sequence[str], seconds: float) -> int | None:
        found = self._get(identity)
        if found["State"]["Status"] != "running":
            raise EngineError("the container is not running")
        code = self.exits.get(found["Name"], 0)
        if code == 0:
            found["State"]["Health"] = {"Status": "healthy", "Log": []}
        return code

    def stop(self, identity: str, patience: int = 10) -> None:
        with self._told("stop", identity):
            if identity in self.held and self._runs(self.held[identity]):
                self.held[identity]["State"] |= {"Status": "exited", "ExitCode": 143}

    def restart(self, identity: str) -> None:
        with self._told("restart", identity):
            self._get(identity)["State"] |= {"Status": "running", "StartedAt": self._now()}
            self._get(identity)["State"].pop("Health", None)

    def unpause(self, identity: str) -> None:
        with self._told("unpause", identity):
            self._get(identity)["State"]["Status"] = "running"

    def update(self, identity: str, limits: Mapping[str, Any]) -> None:
        with self._told("update", identity):
            self._get(identity)["HostConfig"] |= copy.deepcopy(dict(limits))

    def rename(self, identity: str, name: str) -> None:
        with self._told("rename", identity):
            if any(each["Name"] == name for each in self.held.values()):
                raise EngineError(f"the name {name} is already in use by another container")
            self._get(identity)["Name"] = name

    def remove(self, identity: str) -> None:
        with self._told("remove", identity):
            self.held.pop(identity, None)

    def remove_image(self, identity: str) -> None:
        with self._told("remove_image", identity):
            if all(each["Image"] != identity for each in self.held.values()):
                self.images = {tag: image for tag, image in self.images.items() if image != identity}

    def create_network(self, body: Mapping[str, Any]) -> None:
        with self._told("create_network", body["Name"]):
            if body["Name"] in self.nets:
                raise EngineError(f"network with name {body['Name']} already exists")
            number = next(self._numbers)
            self.nets[body["Name"]] = {"Id": f"net-{number}", "Labels": body["Labels"], "Options": body["Options"]}

    def remove_network(self, identity: str) -> None:
        with self._told("remove_network", identity):
            for name, net in list(self.nets.items()):
                if net["Id"] == identity:
                    held = [each for each in self.held.values() if self._runs(each) and name in self._nets(each)]
                    inside = [*(each["Name"].lstrip("/") for each in held), *self.guests.get(name, ())]
                    if inside:
                        raise NetworkInUse(f"network {name} has active endpoints", inside)
                    del self.nets[name]

    def create_volume(self, name: str, labels: Mapping[str, str]) -> str:
        with self._told("create_volume", name):
            volume = {"Name": name, "Labels": dict(labels), "Mountpoint": f"/volumes/{name}"}
            return str(self.kept.setdefault(name, volume)["Mountpoint"])

    def remove_volume(self, name: str) -> None:
        with self._told("remove_volume", name):
            self.kept.pop(name, None)

    def probe(self, address: str, port: int, path: str, matcher: str) -> Answer:
        with self._lock:
            for each in self.held.values():
                if each["State"]["Status"] == "running" and port in self._ports(each):
                    well = each["Config"]["Labels"].get(labels.GENERATION) not in self.sick
                    return Answer(well, "status 200" if well else "status 503")
            return Answer(False, "connection refused")

    # What a test looks at

    def of_fleet(self, fleet: str) -> list[dict[str, Any]]:
        return [each for each in self.held.values() if each["Config"]["Labels"].get(labels.FLEET) == fleet]

    def _told(self, call: str, subject: str) -> threading.RLock:
        with self._lock:
            if self.calls_left is not None:
                if self.calls_left == 0:
                    raise Killed
                self.calls_left -= 1
            if call in self.faults:
                self.faults[call](subject)
        return self._lock

    def _get(self, identity: str) -> dict[str, Any]:
        if identity not in self.held:
            raise EngineError(f"no such container: {identity}")
        return self.held[identity]

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock.time, UTC).isoformat().replace("+00:00", ".0Z")

    @staticmethod
    def _runs(container: Mapping[str, Any]) -> bool:
        return container["State"]["Status"] in RUNS

    @staticmethod
    def _nets(container: Mapping[str, Any]) -> list[str]:
        return list(container["NetworkSettings"]["Networks"])

    @staticmethod
    def _ports(container: Mapping[str, Any]) -> list[int]:
        bindings = container["HostConfig"].get("PortBindings") or {}
        return [int(binding["HostPort"]) for each in bindings.values() for binding in each]
