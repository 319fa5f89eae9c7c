# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a config becomes, for people to read."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.secret_arguments import VARIABLE
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.remote import Remote
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.session_estimate import session_estimate
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec_text import (
    limits_text,
    transport_text,
)


def report(fleet: Fleet) -> str:
    """Describes every server: what it becomes, and what of its entry is ignored and why; no values of env."""
    blocks = [(spec.name, _server(spec)) for spec in fleet.specs]
    blocks += [(remote.name, _remote(remote)) for remote in fleet.remotes]
    wrong: dict[str, list[str]] = {}
    for error in fleet.errors:
        message = f"{error.path}: {error.message}" if error.path else error.message
        wrong.setdefault(error.server or "", []).append(message)
    blocks += [(name, [("error", message) for message in messages]) for name, messages in wrong.items()]
    lines: list[str] = []
    for name, facts in sorted(blocks):
        facts += [("note", note) for note in fleet.explain.get(name, ())]
        lines += [printable(name), *(f"  {what:<10} {printable(text, 400)}" for what, text in facts), ""]
    lines.append(_summary(fleet, len(wrong)))
    return "\n".join(lines)


def _summary(fleet: Fleet, wrong: int) -> str:
    disabled = sum(not spec.enabled for spec in fleet.specs)
    counts = [
        (len(fleet.specs) - disabled, "to run"),
        (disabled, "disabled"),
        (len(fleet.remotes), "remote"),
        (wrong, "wrong"),
    ]
    return "servers: " + ", ".join(f"{count} {what}" for count, what in counts if count or what == "to run")


def _server(spec: Spec) -> list[tuple[str, str]]:
    facts = [("state", "runs" if spec.enabled else "disabled: stopped, without a route")]
    if not spec.image:
        return facts
    root = "read-only root" if spec.read_only else "writable root"
    facts.append(("image", spec.image))
    if spec.build is not None:
        facts.append(("built from", _recipe(Recipe.from_dict(spec.build))))
    if spec.entrypoint is not None:
        facts.append(("entrypoint", " ".join(spec.entrypoint) or "none"))
    if spec.command or "secret_args" in spec.bridge:
        facts.append(("command", _command(spec)))
    facts += [
        ("transport", transport_text(spec.transport, spec.port)),
        ("path", f"{spec.path}{spec.mcp_path}, health at {spec.health_path} ({spec.health_matcher})"),
        ("limits", f"{limits_text(spec.memory, spec.cpus, spec.pids)}, {root}"),
    ]
    facts += [(name, text) for name, text in _extras(spec) if text]
    return facts


def _command(spec: Spec) -> str:
    secret = spec.bridge.get("secret_args", 0)
    return " ".join([*(spec.command or ()), *([f"({secret} secret arguments)"] if secret else [])]) or "none"


def _recipe(recipe: Recipe) -> str:
    version = recipe.version.removeprefix("==") if recipe.version else "the newest version"
    also = f", with {' '.join(recipe.also)}" if recipe.also else ""
    return f"the {recipe.runtime} template and {recipe.package}, {version}{also}"


def _extras(spec: Spec) -> Iterator[tuple[str, str]]:
    yield "env", " ".join(name for name in spec.env if not name.startswith(VARIABLE))
    yield "mounts", " ".join([*spec.volumes, *(f"tmpfs:{each}" for each in spec.tmpfs)])
    yield "network", "" if spec.egress.kind is EgressKind.INTERNET else spec.egress.description
    yield "metadata", "of the instance can be read" if spec.egress.instance_metadata else ""
    yield "user", spec.user or ""
    yield "workdir", spec.workdir or ""
    yield "requires", ", then ".join(_requirement(each) for each in spec.requirements)
    yield "replicas", _replicas(spec)
    yield "isolation", spec.isolation or ""
    yield "sessions", session_estimate(spec) or ""
    yield "bridge", " ".join(f"{name}={_words(value)}" for name, value in spec.bridge.items() if name != "secret_args")
    yield "restart", spec.restart or ""
    yield "labels", " ".join(f"{name}={text}" for name, text in spec.labels.items())
    yield "engine", " ".join(f"{name}={text}" for name, text in {**spec.host_config, **spec.container_config}.items())


def _requirement(spec: Spec) -> str:
    met = {"completed": "has run once", "healthy": "is well"}.get(spec.condition or "", "is started")
    return f"{spec.alias} ({spec.image}) {met}"


def _replicas(spec: Spec) -> str:
    if spec.autoscaling:
        most, cpu = spec.autoscaling["max"], spec.autoscaling["cpu"]
        return f"{spec.replicas}; on Kubernetes up to {most}, above {cpu} % of its cpus"
    return str(spec.replicas) if spec.replicas > 1 else ""


def _words(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _remote(remote: Remote) -> list[tuple[str, str]]:
    shown = remote.to_dict()
    facts = [("state", "remote: no container and no route" if remote.enabled else "disabled")]
    facts += [("transport", shown["type"]), ("address", shown["url"])]
    return facts + ([("headers", " ".join(shown["headers"]))] if shown["headers"] else [])
