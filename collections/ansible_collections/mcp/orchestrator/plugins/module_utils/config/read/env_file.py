# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of variables: docker's ``--env-file`` and the ``envFile`` of editors."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.host_path import is_readable_for_entries
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

LARGEST = 1024**2
_QUOTED = re.compile(r"(['\"])(.*)\1(?:\s+#.*)?")


class EnvFileError(ValueError):
    """A file of variables that cannot be used; the reason reads after its path and never shows a value."""


def read_env_file(path: str, *, quotes: bool) -> dict[str, Secret | None]:
    """Reads the variables of a file of the host; None is for a name without ``=``, whose value is taken from env.

    With ``quotes`` as editors read it (``export``, quotes and trailing comments), else as docker does (all that
    follows ``=`` is the value). Raises EnvFileError.
    """
    if not path.startswith("/"):
        raise EnvFileError("is not an absolute path; the file must be on the host: write its path there")
    if not is_readable_for_entries(os.path.realpath(path)):
        raise EnvFileError(
            "is, or leads to, a system file of the host or a private file of a user; move it, for example to"
            " /etc/mcp-orchestrator/secrets"
        )
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise EnvFileError(f"cannot be read on the host: {error.strerror}") from None
    if len(data) > LARGEST:
        raise EnvFileError("is larger than 1 MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise EnvFileError("is not UTF-8") from None
    return dict(_variables(text, quotes))


def _variables(text: str, quotes: bool) -> Iterator[tuple[str, Secret | None]]:
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.lstrip() if not quotes else line.strip().removeprefix("export ")
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        name = name.strip() if quotes else name
        if not name or re.search(r"\s", name) or "\0" in line:
            raise EnvFileError(f"has no NAME=value in line {number}")
        yield name, Secret(_unquoted(value) if quotes else value) if equals else None


def _unquoted(value: str) -> str:
    value = value.strip()
    match = _QUOTED.fullmatch(value)
    if not match:
        return re.split(r"\s+#", value, maxsplit=1)[0]
    return match[2].replace("\\n", "\n") if match[1] == '"' else match[2]
