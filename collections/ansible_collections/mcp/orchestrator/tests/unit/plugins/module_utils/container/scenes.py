# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets, worlds and damage for tests that try many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.reconcile import DesiredFleet, reconcile
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)
from hypothesis import strategies as st

KEY = b"k" * 32
SECRET = "sw0rdfish-never-shown"
VALUES = {name: {"TOKEN": Secret(SECRET)} for name in ("a", "b", "c", "a-x")}
POLICY = Policy(fleet="f", bridge="/opt/bridge/abc123", port_range_start=20000, port_range_end=20040)
ENVIRONMENT = Environment(lambda: (VALUES, KEY))


def spec(name: str, **more: Any) -> Spec:
    """An http server with a secret in its env."""
    wanted: dict[str, Any] = {
        "image": "one",
        "transport": "http",
        "path": f"/mcp/{name}",
        "health_path": "/health",
        "env": {"TOKEN": VALUES[name]["TOKEN"].digest(KEY, name, "TOKEN")} if name in VALUES else {},
    }
    return Spec.from_dict({"name": name, **wanted, **more}).with_generation()


def host_of(engine: SimulatedEngine, listening: frozenset[int] = frozenset()) -> Host:
    """The host that the simulated engine is."""
    return Host(
        engine=engine,
        firewall=engine,
        files=engine,
        look_up=engine.look_up,
        probe=engine.probe,
        clock=engine.clock,
        listening_ports=lambda: listening,
    )


def run(engine: SimulatedEngine, specs: Sequence[Spec], policy: Policy = POLICY, **more: Any) -> dict[str, Any]:
    """One run of the module's story over the simulated engine."""
    return reconcile(DesiredFleet(specs=specs, policy=policy, environment=ENVIRONMENT, **more), host_of(engine))


def whole_run(engine: SimulatedEngine, specs: Sequence[Spec], **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Converge, and as after the routes' move, retire."""
    return run(engine, specs, **more), run(engine, specs, retire=True, **more)


def stranger(engine: SimulatedEngine, name: str, port: int | None = None, **found: str) -> str:
    """A container that is not of the fleet. It runs, unless another one holds its port."""
    identity = engine.create_container(
        name,
        {
            "Image": "one",
            "Labels": found,
            "HostConfig": {
                "NetworkMode": "other",
                "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": str(port)}]} if port else {},
            },
        },
    )
    if all(port not in engine._ports(each) for each in engine.held.values() if engine._runs(each)):
        engine.start(identity)
    return identity


def required(server: str, name: str, **more: Any) -> dict[str, Any]:
    """What a server requires, as its spec has it: something that is well when its command says so."""
    wanted: dict[str, Any] = {"image": "one", "network": "none", "transport": "http", "start_timeout": 30}
    if more.get("condition") != "completed":
        wanted |= {"condition": "healthy", "health": ("check",)}
    said = {"name": f"{server}.{name}", "required_by": server, **wanted, **more}
    return Spec.from_dict(said).with_generation().to_short_dict()


def database(server: str, **more: Any) -> list[dict[str, Any]]:
    """A step that makes a database, the database, and a step that makes its tables."""
    data = {"volumes": [f"{server}-data:/data"]}
    return [
        required(server, "init", condition="completed", **data, **more),
        required(server, "db", **data, **more),
        required(server, "schema", condition="completed", **more),
    ]


names = st.sampled_from(["a", "b", "c", "a-x"])


@st.composite
def fleets(draw: st.DrawFn) -> list[Spec]:
    """Up to four servers, of some images, limits and networks, enabled or not, over http or stdio, some with a database
    of their own.
    """
    chosen = draw(st.lists(names, unique=True, max_size=4))
    return [
        spec(
            name,
            image=draw(st.sampled_from(["one", "two", "far"])),
            enabled=draw(st.sampled_from([True, True, True, False])),
            memory=draw(st.sampled_from([64, 128])) * 1024**2,
            network=draw(st.sampled_from([None, None, None, "other", "none", "fleet", ("api.test",)])),
            transport=draw(st.sampled_from(["http", "stdio"])),
            replicas=draw(st.sampled_from([1, 1, 1, 2, 3])),
            requires=draw(st.sampled_from([[], [], database(name), database(name, image="two"), database(name)[1:]])),
        )
        for name in chosen
    ]


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[str, int]]:
    """What happened to the world while nobody looked: kind and which container."""
    kinds = st.sampled_from(
        ["remove", "stop", "pause", "rename", "swell", "disconnect", "half", "dead", "retag", "prune", "sick", "port"]
    )
    return draw(st.lists(st.tuples(kinds, st.integers(0, 7)), max_size=5))


def inflict(engine: SimulatedEngine, damage: Sequence[tuple[str, int]], fleet: str = "f") -> None:
    """Damages what is of the fleet, as people and machines do."""
    for kind, number in damage:
        ours = engine.of_fleet(fleet)
        if kind == "retag":
            engine.images["one"] = "sha256:" + str(number) * 64
        elif kind == "prune":
            in_use = any(engine._runs(each) and f"{fleet}-net" in engine._nets(each) for each in ours)
            if not in_use:
                engine.nets.pop(f"{fleet}-net", None)
        elif ours:
            _hurt(engine, kind, ours[number % len(ours)], number)


def _hurt(engine: SimulatedEngine, kind: str, each: dict[str, Any], number: int) -> None:
    if kind == "remove":
        engine.remove(each["Id"])
    elif kind == "stop":
        engine.stop(each["Id"])
    elif kind == "port" and engine._runs(each) and labels.PORT in each["Config"]["Labels"]:
        engine.stop(each["Id"])
        stranger(engine, f"thief-{next(engine._numbers)}", int(each["Config"]["Labels"][labels.PORT]))
    elif kind == "pause" and each["State"]["Status"] == "running":
        each["State"]["Status"] = "paused"
        # As Docker has it, until the first probe after it runs again.
        each["State"]["Health"] = {"Status": "unhealthy", "FailingStreak": 0, "Log": [{"ExitCode": 0}]}
    elif kind == "rename" and all(other["Name"] != f"moved-{number}" for other in engine.held.values()):
        each["Name"] = f"moved-{number}"
    elif kind == "swell":
        each["HostConfig"]["Memory"] = 1024**3
    elif kind == "disconnect":
        each["NetworkSettings"]["Networks"] = {}
    elif kind in ("half", "dead"):
        each["State"]["Status"] = {"half": "created", "dead": "dead"}[kind]
    elif kind == "sick" and each["State"]["Status"] == "running":
        each["State"]["Health"] = {"Status": "unhealthy", "FailingStreak": 3, "Log": [{"ExitCode": 1}]}
