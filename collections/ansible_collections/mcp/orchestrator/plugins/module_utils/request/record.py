# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of the overrides: read, written in one step, and moved aside when it holds something else."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import OWNER_ONLY, replace_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.form import ACTIONS, ID, SERVER, Request, Who
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.overrides import (
    VERSION,
    Mark,
    NotOverrides,
    Override,
    Overrides,
    Pending,
)

LARGEST = 16 * 1024 * 1024


def read_overrides(path: str) -> Overrides:
    """Reads the overrides; without a file there are none. Raises NotOverrides, and OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return Overrides()
    with open(descriptor, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise NotOverrides("is larger than 16 MiB")
    try:
        return _overrides(json.loads(content))
    except (KeyError, TypeError, AttributeError) as error:
        raise NotOverrides(f"is not what a run has written ({error!r})") from error
    except (ValueError, RecursionError) as error:
        raise NotOverrides(f"is no complete JSON ({error})") from error


def write_overrides(path: str, overrides: Overrides) -> None:
    """Replaces the file. Raises OSError; the former one is then unchanged."""
    replace_file(path, (json.dumps(overrides.to_dict(), indent=1) + "\n").encode(), OWNER_ONLY)


def _overrides(said: Mapping[str, Any]) -> Overrides:
    if said["version"] != VERSION:
        raise NotOverrides(f"has version {said['version']!r}, and this release reads version {VERSION}")
    return Overrides(
        servers={_matched(SERVER, name): _override(each) for name, each in said["servers"].items()},
        pending={_matched(ID, identity): _pending(identity, each) for identity, each in said["pending"].items()},
    )


def _override(said: Mapping[str, Any]) -> Override:
    marks = {key: Mark(**{name: str(said[key][name]) for name in ("by", "at", "request")}) for key in _MARKS & {*said}}
    return Override(str(said["entry"]), **marks)


_MARKS = {"stopped", "restarted"}


def _pending(identity: str, said: Mapping[str, Any]) -> Pending:
    who = said["who"]
    if said["action"] not in ACTIONS:
        raise NotOverrides("has an action that is none")
    server = None if said["server"] is None else _matched(SERVER, said["server"])
    request = Request(
        identity,
        str(said["action"]),
        server,
        Who(int(who["uid"]), str(who["user"]), str(who["name"])),
        str(said["from"]),
    )
    return Pending(request, str(said["taken"]), str(said["note"]))


def _matched(pattern: Any, text: Any) -> str:
    if not pattern.fullmatch(text):
        raise NotOverrides("has a name that is none")
    return str(text)
