# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries that start a server with ``docker run``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.draft import Draft
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.flags import Fate
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.image import image_error
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import cores, size, whole_number
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.run_arguments import Use, read_run_arguments
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.volume import container_path, tmpfs, volume

SMALLEST_MEMORY = 6 * 1024**2  # the engine's own minimum
_PUBLISH = re.compile(
    r"(?:(?P<address>\[[0-9a-fA-F:.]+\]|[0-9.]+):)?(?:(?P<host>[0-9]*):)?(?P<port>[0-9]+)(?:/(?P<protocol>[a-z]+))?"
)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?")
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class _Mapping:
    """One method for each flag that maps to the spec; each raises ValueError with a reason that reads after it."""

    def __init__(self, draft: Draft, env: Mapping[str, Secret]) -> None:
        self.draft = draft
        self.env = env
        self.named: set[str] = set()

    def cpus(self, value: str) -> None:
        self.draft.cpus = cores(value)

    def entrypoint(self, value: str) -> None:
        self.draft.entrypoint = (value,) if value else ()

    def environment(self, value: str) -> None:
        name, equals, text = value.partition("=")
        if not name or re.search(r"\s", name):
            raise ValueError("names no variable; write NAME=value, or NAME and its value in env")
        self.named.add(name)
        if equals:
            self.draft.env[name] = Secret(text)
        elif name in self.env:
            self.draft.env[name] = self.env[name]
        else:
            raise ValueError("takes its value from env, which does not have it; add it to env")

    def memory(self, value: str) -> None:
        number = size(value)
        if number < SMALLEST_MEMORY:
            raise ValueError("is less than 6m, the least that the engine gives")
        self.draft.memory = number

    def network(self, value: str) -> None:
        if value in {"bridge", "default"}:
            self.draft.network = None
        elif value == "none":
            raise ValueError("would cut the server off from everybody; leave the flag out")
        elif value == "host" or value.startswith("container:"):
            raise ValueError("is not allowed: the container would share the network of others; leave the flag out")
        elif not _NETWORK.fullmatch(value):
            raise ValueError("is not the name of a network")
        else:
            self.draft.network = value

    def pids(self, value: str) -> None:
        self.draft.pids = whole_number(value, 1, 4194304)

    def publish(self, value: str) -> None:
        match = _PUBLISH.fullmatch(value)
        if not match:
            raise ValueError("is not a port; write the port that the server listens on, for example 8000:8000")
        if match["protocol"] not in {None, "tcp"}:
            raise ValueError(f"publishes {match['protocol']}; MCP is spoken over tcp")
        self.draft.ports.append(whole_number(match["port"], 1, 65535))

    def tmpfs(self, value: str) -> None:
        self.draft.tmpfs.append(tmpfs(value))

    def user(self, value: str) -> None:
        if not _USER.fullmatch(value):
            raise ValueError("is not a user; write name, uid or uid:gid")
        self.draft.user = value

    def volume(self, value: str) -> None:
        self.draft.volumes.append(volume(value))

    def workdir(self, value: str) -> None:
        self.draft.workdir = container_path(value)

    def init(self, value: bool) -> None:
        self.draft.init = value

    def read_only(self, value: bool) -> None:
        self.draft.read_only = value

    def valued(self) -> Mapping[str, Callable[[str], None]]:
        return {
            "cpus": self.cpus,
            "entrypoint": self.entrypoint,
            "env": self.environment,
            "memory": self.memory,
            "net": self.network,
            "network": self.network,
            "pids-limit": self.pids,
            "publish": self.publish,
            "tmpfs": self.tmpfs,
            "user": self.user,
            "volume": self.volume,
            "workdir": self.workdir,
        }

    def switches(self) -> Mapping[str, Callable[[bool], None]]:
        return {"init": self.init, "read-only": self.read_only}


def _shown(use: Use) -> str:
    """The flag with its value, where the value cannot be a secret."""
    if not use.flag.takes_value:
        return f"'{use.spelling}'"
    value = use.value.partition("=")[0] if use.flag.name == "env" else use.value
    return f"'{use.spelling} {printable(value)}'"


def read_docker(args: Sequence[str], start: int, env: Mapping[str, Secret], findings: Findings) -> Draft:
    """Reads the arguments behind ``docker run``.

    Takes the entry's ``args``, the position behind the word ``run``, and the entry's ``env``. What is wrong goes to
    ``findings``; the draft is then incomplete.
    """
    errors_before = len(findings.errors)
    run = read_run_arguments(args, start, findings)
    mapping = _Mapping(Draft(), env)
    for use in run.uses:
        _apply(use, mapping, findings)
    draft = mapping.draft
    for name in sorted(set(env) - mapping.named):
        findings.warn(f"env.{name}", f"does not reach the container: no '-e {name}' in args names it; add it")
    if run.command:
        draft.command = run.command
    elif draft.entrypoint is not None:
        draft.command = ()  # docker drops the image's own command together with its entrypoint
    if run.image is None:
        if len(findings.errors) == errors_before:
            findings.error("args", "names no image; write it behind the flags")
    else:
        draft.image = run.image
        problem = image_error(printable(run.image, 600))
        if problem:
            findings.error(f"args[{run.image_position}]", problem)
    return draft


def _apply(use: Use, mapping: _Mapping, findings: Findings) -> None:
    if use.flag.fate is Fate.OURS:
        findings.explain(use.path, f"'{use.spelling}' is ignored: {use.flag.note}")
    elif use.flag.fate is Fate.REFUSED:
        if use.flag.takes_value or use.is_on:
            findings.error(use.path, f"{_shown(use)} is not allowed: {use.flag.note}; remove it")
    elif use.flag.fate is Fate.UNSUPPORTED:
        findings.error(use.path, f"'{use.spelling}' is not supported: {use.flag.note}")
    else:
        try:
            if use.flag.takes_value:
                mapping.valued()[use.flag.name](use.value)
            else:
                mapping.switches()[use.flag.name](use.is_on)
        except ValueError as error:
            findings.error(use.path, f"{_shown(use)} {error}")
