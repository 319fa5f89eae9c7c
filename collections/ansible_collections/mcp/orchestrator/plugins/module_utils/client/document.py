# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A config file for clients: every server that they can reach, those of this fleet and the remote ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.entry import (
    CONSENT,
    ClientEntry,
    full_entry,
    hosted_entry,
    open_entry,
    revealed,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

MARK = "$comment"

Values = Mapping[str, tuple[Mapping[str, Secret], Mapping[str, str]]]
"""By remote server, as ``load_remotes`` gives it."""


@dataclass
class ClientConfig:
    """The entries by server, and a sentence for each thing that is not among them."""

    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[dict[str, str]] = field(default_factory=list)

    def document(self, fleet: str) -> dict[str, Any]:
        """The file's content, with the mark by which a later run knows it for its own."""
        return {MARK: f"{mark(fleet)}; changes are lost", "mcpServers": dict(sorted(self.servers.items()))}


def mark(fleet: str) -> str:
    """How the file of a fleet begins."""
    return f"Written by MCP Orchestrator for the fleet {fleet}"


def client_config(fleet: Fleet, urls: Mapping[str, str], values: Values | None) -> ClientConfig:
    """What clients need to reach every server that is switched on.

    ``urls`` says where the servers of this fleet are reached, ``values`` has the secrets of the remote ones; without
    it whatever may be a secret is left out.
    """
    result = ClientConfig()
    for error in fleet.errors:
        _leave_out(result, error.server or "", "its entry has an error; make check-config shows it")
    for spec in fleet.specs:
        if not spec.enabled:
            _leave_out(result, spec.name, "it is disabled")
        elif spec.name not in urls:
            _leave_out(result, spec.name, "the last run has no route for it; run the site playbook")
        else:
            entry = hosted_entry(spec.transport, urls[spec.name], fleet.clients.get(spec.name, {}))
            private = fleet.private.get(spec.name, {})
            _add(result, spec.name, _private_entry(entry, private, told=values is not None))
    for remote in fleet.remotes:
        said, private = fleet.clients.get(remote.name, {}), fleet.private.get(remote.name, {})
        if not remote.enabled:
            _leave_out(result, remote.name, "it is disabled")
        elif values is None:
            told = open_entry(remote, said)
            _add(result, remote.name, ClientEntry(told.told, {**told.left_out, **dict.fromkeys(private, CONSENT)}))
        else:
            _add(result, remote.name, full_entry(remote, said, private, *values[remote.name]))
    return result


def report(config: ClientConfig) -> list[str]:
    """Returns what the file includes and what it leaves out, a line each."""
    count = len(config.servers)
    told = f"{count} server{' is' if count == 1 else 's are'} included: {', '.join(sorted(config.servers))}"
    return [told if count else "no server is included", *(_line(each) for each in config.left_out)]


def _line(left_out: Mapping[str, str]) -> str:
    return ": ".join(["left out", *filter(None, (left_out["server"], left_out["message"]))])


def _private_entry(entry: dict[str, Any], private: Mapping[str, Secret], *, told: bool) -> ClientEntry:
    if told:
        return ClientEntry({**entry, **revealed(private)})
    return ClientEntry(entry, dict.fromkeys(private, CONSENT))


def _add(result: ClientConfig, server: str, entry: ClientEntry) -> None:
    if entry.told is not None:
        result.servers[server] = entry.told
    for key, reason in entry.left_out.items():
        _leave_out(result, server, f"{key}: {reason}")


def _leave_out(result: ClientConfig, server: str, message: str) -> None:
    said = {"server": server, "message": message}
    if said not in result.left_out:
        result.left_out.append(said)
