# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the headers with which spans are sent: python -m ansible_collections.….traces.headers SETTINGS FILE GROUP

They go from file to file, with the values of their references, so that no playbook, log or command line ever holds one.
Prints "written" where the file has changed, its text or who may read it.
"""

from __future__ import annotations

import argparse
import grp
import json
import os
import stat
import sys
from collections.abc import Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import (
    GROUP_READABLE,
    FileNotWritten,
    write_json,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver, boto3_client
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.variables import resolve_variables
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings, read_settings


class NoHeaders(Exception):
    """The headers cannot be had; the message says why and what to do."""


def headers_of(settings: Settings, resolver: Resolver) -> Mapping[str, str]:
    """Returns the headers of [traces] with the values of their references. Raises NoHeaders."""
    written = {"[traces]": settings.traces.header_values()}
    values, problems = resolve_variables(written, {"[traces]": ()}, resolver)["[traces]"]
    if problems:
        raise NoHeaders("; ".join(f"[traces] headers, {name}: {reason}" for name, reason in problems.items()))
    found = {name: value.reveal().strip() for name, value in values.items()}
    for name, value in found.items():
        # What else a program of HTTP would refuse, and then quote.
        if not value or not value.isascii() or not value.isprintable():
            raise NoHeaders(f"[traces] headers, {name}: its value is empty, or no line of plain text")
    return found


def settle(path: str, headers: Mapping[str, str], group: str) -> bool:
    """Writes the headers for a group alone, and returns whether the file has changed. Raises FileNotWritten."""
    try:
        found = os.stat(path)
        with open(path, encoding="utf-8") as file:
            is_same = json.loads(file.read()) == dict(headers)
        is_closed = stat.S_IMODE(found.st_mode) == GROUP_READABLE and found.st_gid == grp.getgrnam(group).gr_gid
    except (OSError, ValueError, KeyError):
        is_same = is_closed = False
    if is_same and is_closed:
        return False
    write_json(path, headers, GROUP_READABLE, group)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file and returns 0; 1 after a sentence on standard error where it cannot."""
    parser = argparse.ArgumentParser(prog="headers", description="Writes the headers with which spans are sent.")
    parser.add_argument("settings")
    parser.add_argument("file")
    parser.add_argument("group")
    options = parser.parse_args(arguments)
    try:
        settings = read_settings(options.settings)
        resolver = Resolver(inputs=settings.inputs, client=boto3_client(settings.aws.effective_region))
        changed = settle(options.file, headers_of(settings, resolver), options.group)
    except (ConfigFileError, NoHeaders, FileNotWritten) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if changed:
        sys.stdout.write("written\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
