# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that a server is started with: argv, which everybody on the host can read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import quoted, secrets_among
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import (
    editor_folder_in,
    has_reference,
)

_LAPTOP = re.compile(r"/Users/|/home/|~(?:/|$)|[A-Za-z]:[\\/]|\\\\|%[A-Za-z]+%|\$HOME\b|/path/to/|/absolute/path")


def refuse_secret_arguments(words: Sequence[str], first: int, findings: Findings) -> None:
    """Refuses words that are secrets or refer to any; ``first`` is the position in args of the first word."""
    secrets = dict(secrets_among(words))
    for position, word in enumerate(words):
        path = f"args[{first + position}]"
        folder = editor_folder_in(word)
        if folder:
            findings.error(path, f"has {folder}, a folder of the client's machine; write the path itself")
        elif has_reference(word):
            findings.error(
                path,
                "has a reference, whose value everybody on the host could read in the arguments;"
                " put it into env, under the name that the server reads",
            )
        elif position in secrets:
            findings.error(
                path,
                f"{secrets[position]} looks like a secret, which everybody on the host can read in the arguments;"
                " put it into env, under the name that the server reads",
            )


def is_client_path(word: str) -> bool:
    """Returns whether the word begins like a path of the machine that somebody's client runs on."""
    return bool(_LAPTOP.match(word))


def warn_of_client_paths(words: Mapping[str, str], mounted: Sequence[str], findings: Findings) -> None:
    """Warns of words, by their key, that are paths which the container does not have; ``mounted`` are those it has.

    Values of variables are not shown.
    """
    for path, word in words.items():
        value = word.partition("=")[2] if word.startswith("-") and "=" in word else word
        if is_client_path(value) and not any(f"{value}/".startswith(f"{each.rstrip('/')}/") for each in mounted):
            what = quoted(value) if path.startswith("args") else "its value"
            findings.warn(
                path,
                f"{what} is a path of the client's machine, which the container does not have;"
                " mount a folder of the host there with orchestrator.volumes",
            )
