# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``${header:NAME}`` in a variable: what a client sends along when it opens a session, filled in by the bridge."""

from __future__ import annotations

import re

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.extension import KEY
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.isolation import each_has_a_process
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import FROM_THE_REQUEST

_REFERENCE = re.compile(r"\$\{" + FROM_THE_REQUEST + r":([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9-]+")  # what the bridge recognises


def headers_of(parsed: ParsedEntry) -> tuple[str, ...]:
    """Returns the headers that the variables of a server take, in alphabetical order."""
    return tuple(sorted({header for value in parsed.env.values() for header in _REFERENCE.findall(value.reveal())}))


def check_header_references(parsed: ParsedEntry, transport: str, isolation: str | None, findings: Findings) -> None:
    """Tells which headers the variables of a server take, or why they cannot. ``isolation`` is the effective one."""
    for variable, value in sorted(parsed.env.items()):
        headers = _REFERENCE.findall(value.reveal())
        if not headers:
            continue
        path = parsed.places.get(variable, key_path("env", variable))
        wrong = [header for header in headers if not _NAME.fullmatch(header)]
        if wrong:
            findings.error(path, f"'{printable(wrong[0])}' is not the name of a header; write ${{header:X-My-Token}}")
        elif transport != "stdio":
            findings.error(
                path, f"takes a client's header, but a server that speaks {transport} gets all of them itself"
            )
        elif not each_has_a_process(isolation):
            findings.error(
                path,
                f"takes a client's header, but with the isolation {isolation} a process serves many clients;"
                f" set {KEY}.isolation to per_session",
            )
        else:
            findings.explain(path, f"is what a client sends as {' and '.join(headers)} when it opens a session")
