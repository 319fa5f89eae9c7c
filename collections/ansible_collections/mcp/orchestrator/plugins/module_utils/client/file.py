# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the former config of clients, and where the last run found the servers; writing the new one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.document import MARK, mark
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import (
    OWNER_ONLY,
    READABLE,
    FileNotWritten,
    write_json,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.remote import shown_address


class ClientFileError(Exception):
    """A file cannot be used; the message names it and the way out."""


def reached(state_file: str) -> dict[str, str]:
    """Where clients reach the servers of the fleet, by name, as the last run's state tells. Raises ClientFileError."""
    try:
        with open(state_file, encoding="utf-8") as file:
            servers = json.load(file)["servers"]
        return {server["name"]: server["route"]["url"] for server in servers if (server["route"] or {}).get("url")}
    except FileNotFoundError:
        raise ClientFileError(f"{state_file} is missing: no run has ended yet; run the site playbook first") from None
    except OSError as error:
        raise ClientFileError(f"{state_file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ClientFileError(f"{state_file} holds no state; run the site playbook, which writes it again") from None


def former(path: str, fleet: str) -> dict[str, Any] | None:
    """The file that is there, or None. Raises ClientFileError when it is not ours to replace."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ClientFileError(f"{path} cannot be read: {error.strerror}; name another file") from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or not str(content.get(MARK, "")).startswith(f"{mark(fleet)};"):
        raise ClientFileError(
            f"{path} exists and was not written for the fleet {fleet}; name another file, or move this one away"
        )
    return content


def write(path: str, document: Mapping[str, Any], *, secret: bool) -> None:
    """Replaces the file in one step; its owner alone can read it when it holds secrets. Raises ClientFileError."""
    try:
        write_json(path, document, OWNER_ONLY if secret else READABLE)
    except FileNotWritten as error:
        raise ClientFileError(str(error)) from error


def outline(document: Mapping[str, Any] | None) -> str:
    """A line for each server, without anything that may be a secret."""
    servers = document.get("mcpServers") if document else None
    if not isinstance(servers, dict):
        return ""
    return "".join(f"{name}: {_outline(entry)}\n" for name, entry in sorted(servers.items()) if isinstance(entry, dict))


def _outline(entry: Mapping[str, Any]) -> str:
    headers = entry.get("headers")
    sends = f", sends {' '.join(sorted(headers))}" if isinstance(headers, dict) and headers else ""
    others = sorted(set(entry) - {"type", "url", "headers"})
    says = f", says {' '.join(others)}" if others else ""
    return f"{entry.get('type')} {shown_address(str(entry.get('url')))}{sends}{says}"
