# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments that nobody may read: the bridge puts them in when it starts the server's process."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.argument_checks import refuse_editor_folder
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import FROM_THE_REQUEST
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.variables import with_own_variables

KEY = "orchestrator.secret_args"
VARIABLE = "MCP_SECRET_ARG_"  # with the argument's number from 1 on; files/bridge/process/environment.py reads them


def hide_arguments(
    parsed: ParsedEntry, count: int, own: Mapping[str, Secret], transport: str, findings: Findings
) -> int:
    """Moves the server's arguments into its variables, which are kept secret; returns how many there are.

    All of them are moved: which of them is a secret nobody has to guess. ``count`` is the length of the entry's args,
    ``own`` are its variables.
    """
    words = parsed.command or ()
    if transport != "stdio":
        findings.error(
            KEY,
            f"needs a stdio server: into the arguments of one that speaks {transport} nothing can put them; let a shell"
            ' of the image do it, with the secret in env: "-e", "TOKEN", "--entrypoint", "sh", IMAGE, "-c",'
            ' "exec SERVER --token \\"$TOKEN\\""',
        )
        return 0
    if not words:
        findings.warn(KEY, "changes nothing: args has no arguments of the server")
    for name in parsed.env:
        if name.startswith(VARIABLE):
            findings.error(f"env.{name}", f"has a name that {KEY} uses itself; choose another")
    for position, word in enumerate(words):
        path = f"args[{count - len(words) + position}]"
        if refuse_editor_folder(word, path, findings):
            continue
        if f"${{{FROM_THE_REQUEST}:" in word:
            findings.error(
                path,
                "takes a client's header, which the processes of other clients could read in the arguments;"
                " only the values of env can have it",
            )
            continue
        name = f"{VARIABLE}{position + 1}"
        parsed.env[name] = Secret(with_own_variables(word, own)[0])
        parsed.places[name] = path
    if words:
        parsed.command = ()
        findings.explain(KEY, "keeps all arguments of the server secret: the bridge puts them in when it starts it")
    return len(words)
