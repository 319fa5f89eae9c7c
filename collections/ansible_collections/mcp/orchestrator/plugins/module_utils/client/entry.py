# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clients are told of one server: an entry as their own config files have it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.remote import Remote, shown_address
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import is_token, looks_secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import references_in, replaced
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

Json = dict[str, Any]

_SCHEME = re.compile(r"(?:Bearer|Basic|Token|ApiKey)?", re.IGNORECASE)
CONSENT = "it may be a secret; export with secrets to include it"


@dataclass(frozen=True)
class ClientEntry:
    """``told`` is None where clients can do nothing with what may be told; ``left_out`` says by key what is not."""

    told: Json | None
    left_out: Mapping[str, str] = field(default_factory=dict)


def hosted_entry(transport: str, url: str, said: Mapping[str, Any]) -> Json:
    """The entry of a server that runs here; ``said`` is what its own entry says to clients."""
    # To a client, what speaks stdio speaks streamable HTTP: the bridge does.
    return {"type": "sse" if transport == "sse" else "http", "url": url, **said}


def open_entry(remote: Remote, said: Mapping[str, Any]) -> ClientEntry:
    """The entry of a remote server without what may be a secret. References to a client's own variables stay."""
    url = remote.url.reveal()
    if not _is_open_address(url):
        return ClientEntry(None, {"url": CONSENT})
    headers = {name: value.reveal() for name, value in remote.headers.items()}
    told = {name: text for name, text in headers.items() if _is_open_header(text)}
    left_out = {f"headers.{name}": CONSENT for name in headers if name not in told}
    entry = {"type": remote.type, "url": url, **({"headers": told} if told else {}), **said}
    return ClientEntry(entry, left_out)


def full_entry(
    remote: Remote,
    said: Mapping[str, Any],
    private: Mapping[str, Secret],
    values: Mapping[str, Secret],
    problems: Mapping[str, str],
) -> ClientEntry:
    """The entry of a remote server with its secrets.

    ``values`` are its address and headers as ``load_remotes`` gives them, ``problems`` why some have no value.
    """
    url = values["url"].reveal()
    headers = {name: values[f"headers.{name}"].reveal() for name in remote.headers}
    # What this host does not know, the client may: it gets the reference.
    left_out = {
        path: why
        for path, why in problems.items()
        if not (_is_open_address(url) if path == "url" else _is_open_header(headers[path.removeprefix("headers.")]))
    }
    if "url" in left_out:
        return ClientEntry(None, left_out)
    told = {name: text for name, text in headers.items() if f"headers.{name}" not in left_out}
    entry = {"type": remote.type, "url": url, **({"headers": told} if told else {}), **said}
    return ClientEntry({**entry, **revealed(private)}, left_out)


def revealed(private: Mapping[str, Secret]) -> Json:
    """What only clients read and may hold a secret, as it stands in the entry."""
    return {key: json.loads(value.reveal()) for key, value in private.items()}


def _is_open_address(url: str) -> bool:
    references = list(references_in(url))
    if any(each.source != "env" or each.default is not None for each in references):
        return False
    url = replaced(url, lambda _reference: "x")
    shown = shown_address(url)
    if shown == url:
        return True
    # Nothing but the query is hidden: it may be as harmless as ?read_only=true.
    query = urlsplit(url).query
    harmless = not looks_secret(url) and bool(query)
    return (
        harmless
        and shown == f"{url.partition('?')[0]}?…"
        and not any(is_token(value) for _name, value in parse_qsl(query))
    )


def _is_open_header(text: str) -> bool:
    """Whether nothing but references to variables stands in a header, behind the name of a scheme."""
    references = list(references_in(text))
    if not references or any(each.source != "env" or each.default is not None for each in references):
        return False
    return bool(_SCHEME.fullmatch(replaced(text, lambda _reference: "").strip()))
