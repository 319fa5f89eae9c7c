# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking the servers of a config that run elsewhere, with their headers, and telling nothing that may be a secret."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import load_remotes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.failure import ProbeFailure
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import probe_fleet, report_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget

# What a network far away may take without holding a run: it delays one by no more than ALL_SECONDS.
SECONDS = 5.0
ALL_SECONDS = 10.0
# They start no process on this host.
PARALLEL = 64
SHORTEST_SECRET = 4
# What of a report comes from the server itself, or names what it was asked by.
_ITS_WORDS = ("reason", "server", "tools", "digests", "definitions", "schemas")

Values = tuple[Mapping[str, Secret], Mapping[str, str]]
"""Address and headers of a remote server, and why some of them have no value (``load_remotes``)."""


def probe_remotes(
    shown: Mapping[str, str], config: Sequence[str], settings: str | None, *, schemas: bool, verify_tls: bool
) -> list[dict[str, Any]]:
    """Asks remote servers of the config, and returns one report each (``report_of``).

    ``shown`` has their names, in the order of the reports, and of each address what may be shown (``shown_address``).
    A server with a header or an address that has no value on this host is not asked; its cause is ``reference``.
    """
    try:
        known = load_remotes(config, settings)
    except ConfigFileError as error:
        # It could be read a moment ago: somebody edits it, and the next run asks.
        return [_unasked(name, f"the config cannot be read any more: {error}") for name in shown]
    told = {name: _unusable(name, known.get(name)) for name in shown}
    targets = [_target(name, known[name][0]) for name in shown if told[name] is None]
    reports = probe_fleet(
        targets, timeout=SECONDS, deadline=ALL_SECONDS, schemas=schemas, verify_tls=verify_tls, parallel=PARALLEL
    )
    asked = {
        target.name: _cleaned(report, _secrets(known[target.name][0], shown[target.name]))
        for target, report in zip(targets, reports, strict=True)
    }
    return [{**(told[name] or asked[name]), "url": address} for name, address in shown.items()]


def without(report: Any, secrets: Collection[str]) -> Any:
    """Returns plain data with ``***`` in the place of each secret in its texts: a server may quote what it was sent."""
    if isinstance(report, str):
        for secret in sorted(secrets, key=len, reverse=True):
            report = report.replace(secret, "***")
        return report
    if isinstance(report, dict):
        return {without(key, secrets): without(value, secrets) for key, value in report.items()}
    if isinstance(report, list):
        return [without(each, secrets) for each in report]
    return report


def _cleaned(report: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    return {key: without(value, secrets) if key in _ITS_WORDS else value for key, value in report.items()}


def _unusable(name: str, values: Values | None) -> dict[str, Any] | None:
    if values is None:
        return _unasked(name, "its entry has changed since the run began")
    problems = [f"{path}: {reason}" for path, reason in values[1].items()]
    return _unasked(name, f"not asked: {'; '.join(problems)}") if problems else None


def _unasked(name: str, reason: str) -> dict[str, Any]:
    return {**report_of(ProbeTarget(name, ""), ProbeFailure("reference", "connect", reason)), "checked": None}


def _target(name: str, values: Mapping[str, Secret]) -> ProbeTarget:
    headers = {key.removeprefix("headers."): value.reveal() for key, value in values.items() if key != "url"}
    return ProbeTarget(name, values["url"].reveal(), headers)


def _secrets(values: Mapping[str, Secret], shown: str) -> set[str]:
    """What must not be shown of an address and headers, whole and by their words; ``shown`` is what may be."""
    parts = re.split(r"[/?&=#@:;]", values["url"].reveal())
    found = {part for part in parts if part not in shown}
    for key, value in values.items():
        if key != "url":
            found |= {value.reveal(), *_words(value.reveal().split())}
    return {each for each in found if len(each) >= SHORTEST_SECRET}


def _words(words: Iterable[str]) -> Iterable[str]:
    """The words of a header that may be secret; the name of a scheme is none."""
    return (word for word in words if word.lower() not in ("bearer", "basic", "token", "apikey"))
