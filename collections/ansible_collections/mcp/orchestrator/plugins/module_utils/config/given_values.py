# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an entry's values still have of an example, or of another client: placeholders, and references of its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.argument_checks import is_shell_script
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.client_machine import (
    warn_of_client_address,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.lookalike import lookalike_in
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.placeholder import is_placeholder
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

# As module_utils/container/session_key.py sets it.
_OURS = "MCP_BRIDGE_SESSION_KEYS"


def check_started(parsed: ParsedEntry, args: Sequence[str], findings: Findings) -> None:
    """Checks the variables and the arguments of a server that is started here."""
    for name, value in parsed.env.items():
        if name == _OURS:
            findings.error(
                parsed.places.get(name, key_path("env", name)),
                "is a variable by which this orchestrator tells its bridge something; use another name",
            )
        if name not in parsed.verbatim and name not in parsed.places:
            _check(key_path("env", name), value.reveal(), name, findings)
    for position, word in enumerate(args):
        if is_shell_script(args, position):
            continue
        name, _equals, text = word.partition("=")
        is_variable = position > 0 and args[position - 1] in {"-e", "--env"}
        _check(f"args[{position}]", *((text, name) if is_variable else (word, "")), findings)


def check_remote(
    address: str, url: str, headers: Mapping[str, Secret], places: Mapping[str, str], findings: Findings
) -> None:
    """Checks the address and the headers of a remote server.

    ``address`` is the key of ``url``; ``places`` has the keys of headers that stand elsewhere than in ``headers``.
    """
    _check(address, url, "", findings)
    warn_of_client_address(address, url, findings)
    for name, value in headers.items():
        _check(places.get(name, key_path("headers", name)), value.reveal(), name, findings)


def _check(path: str, value: str, name: str, findings: Findings) -> None:
    seen = lookalike_in(value, name)
    if seen is not None:
        (findings.error if seen.certain else findings.warn)(path, seen.said)
    elif is_placeholder(value):
        findings.warn(path, "still has what the example had in its place; write the value")
