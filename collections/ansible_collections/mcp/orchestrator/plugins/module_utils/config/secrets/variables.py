# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting values in the place of the references in the variables of all servers at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import (
    InvalidReference,
    Reference,
    has_reference,
    references_in,
    replaced,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver, Unresolved
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

_OWN = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")

Variables = Mapping[str, Secret]
Resolved = dict[str, tuple[dict[str, Secret], dict[str, str]]]


def with_own_variables(text: str, env: Variables) -> tuple[str, set[str]]:
    """Returns the text with references to the entry's own ``env`` filled in, and the names that it refers to.

    That is how clients read ``${NAME}`` in args; other references stay for the host to resolve.
    """
    names = {match[1] for match in _OWN.finditer(text) if match[1] in env}

    def value(match: re.Match[str]) -> str:
        if match[1] not in names:
            return match[0]
        return env[match[1]].reveal() or match[2] or ""  # as a shell has it, the default also for an empty value

    return _OWN.sub(value, text), names


def resolve_variables(
    written: Mapping[str, Variables], verbatim: Mapping[str, Collection[str]], resolver: Resolver
) -> Resolved:
    """Returns by server its variables with their values, and why some have none.

    ``written`` are the variables as the config has them, ``verbatim`` the names of those without references.
    """
    wanted: list[Reference] = []
    problems: dict[str, dict[str, str]] = {server: {} for server in written}
    with_references: dict[str, dict[str, list[Reference]]] = {server: {} for server in written}
    for server, variables in written.items():
        for name, value in variables.items():
            if name in verbatim[server] or not has_reference(value.reveal()):
                continue
            try:
                references = list(references_in(value.reveal()))
            except InvalidReference as error:
                problems[server][name] = str(error)
                continue
            with_references[server][name] = references
            wanted += references
    found = resolver.resolve(wanted) if wanted else {}
    result: Resolved = {}
    for server, variables in written.items():
        values = dict(variables)
        for name, references in with_references[server].items():
            failed = [f"'{each}' {found[each]}" for each in references if isinstance(found[each], Unresolved)]
            if failed:
                problems[server][name] = failed[0]
            else:
                values[name] = Secret(replaced(values[name].reveal(), lambda each: _value(found[each])))
        result[server] = (values, problems[server])
    return result


def _value(found: Secret | Unresolved) -> str:
    return found.reveal() if isinstance(found, Secret) else ""
