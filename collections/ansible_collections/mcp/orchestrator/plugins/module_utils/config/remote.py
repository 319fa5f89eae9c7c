# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that run elsewhere: they get no container and no route; they are shown, and told to clients."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.given_values import check_remote
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import ADDRESSES, REMOTE_TYPES
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import is_token, quoted
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import (
    InvalidReference,
    has_reference,
    references_in,
    replaced,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.variables import with_own_variables

_PROXY = "mcp-remote"


@dataclass(frozen=True)
class Remote:
    """A remote server as clients are told of it: ``type`` is http or sse; address and headers may hold secrets.
    ``group`` is the one with which the monitor shows it."""

    name: str
    type: str
    url: Secret
    headers: Mapping[str, Secret] = field(default_factory=dict)
    enabled: bool = True
    group: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns what may be shown: the address without query, user and tokens, and the names of the headers."""
        return {
            "name": self.name,
            "enabled": self.enabled,
            "type": self.type,
            "url": shown_address(self.url.reveal()),
            "headers": sorted(self.headers),
            **({"group": self.group} if self.group else {}),
        }


def shown_address(url: str) -> str:
    """Returns an address without what may be a secret in it."""
    scheme, _separator, rest = url.partition("://")
    host_and_path = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = host_and_path.partition("/")
    parts = ["…" if is_token(part) or has_reference(part) else part for part in path.split("/")]
    hidden = "?…" if len(host_and_path) < len(rest) else ""
    return printable(f"{scheme}://{host.rpartition('@')[2]}{slash}{'/'.join(parts)}{hidden}", 256)


def _type_of(entry: Mapping[str, Any], key: str, url: str) -> str:
    given = entry.get("type")
    if given == "sse" or (given in {None, "stdio"} and key != "httpUrl" and re.search(r"/sse/?(?:[?#]|$)", url)):
        return "sse"
    return "http"


def is_remote(entry: Mapping[str, Any]) -> bool:
    """Returns whether the entry is of a server that runs elsewhere."""
    return any(key in entry for key in ADDRESSES) or (entry.get("type") in REMOTE_TYPES and "command" not in entry)


def read_remote(name: str, entry: Mapping[str, Any], findings: Findings) -> Remote | None:
    """Reads an entry with an address. What is wrong goes to ``findings``."""
    given = [key for key in ADDRESSES if key in entry]
    if "command" in entry:
        findings.error(
            "command", f"cannot be combined with '{(given or ['type'])[0]}'; a server is either started or remote"
        )
    if not given:
        findings.error("url", "is missing: a remote server needs its address")
        return None
    if len(given) > 1:
        findings.error(given[1], f"cannot be combined with '{given[0]}'; keep one")
    if entry.get("type") == "stdio":
        findings.warn("type", f"says stdio, and '{given[0]}' is the address of a remote server; the address counts")
    url = entry[given[0]]
    headers = entry.get("headers", {})
    if not isinstance(url, str) or not isinstance(headers, dict):
        return None  # the shape of the entry is told already
    _check_address(url, given[0], findings)
    for header, value in headers.items():
        _check_header(header, value, f"headers.{header}", findings)
    url, filled = _with_env(url, headers, entry.get("env", {}), findings)
    said = entry.get("orchestrator", {})
    for key in (key for key in said if key != "group"):
        findings.warn(f"orchestrator.{key}", "is ignored: the server runs elsewhere")
    secrets = {str(key): Secret(value) for key, value in filled.items()}
    check_remote(given[0], url, secrets, {}, findings)
    return Remote(name, _type_of(entry, given[0], url), Secret(url), secrets, group=said.get("group"))


def _with_env(
    url: str, headers: Mapping[str, Any], env: Mapping[str, Any], findings: Findings
) -> tuple[str, dict[str, str]]:
    """The address and the headers with references to the entry's own variables filled in."""
    variables = {name: Secret(value) for name, value in env.items() if isinstance(value, str)}
    address, used = with_own_variables(url, variables)
    filled = {}
    for header, value in headers.items():
        if isinstance(value, str):
            filled[header], names = with_own_variables(value, variables)
            used = used | names
    for name in env:
        said = "is used where url and headers refer to it" if name in used else "is ignored: nothing is started"
        findings.explain(key_path("env", name), said)
    return address, filled


def _check_address(url: str, path: str, findings: Findings) -> None:
    if _references_wrong(url, path, findings):
        return
    filled = replaced(url, lambda _reference: "https://x" if url.startswith("${") else "x")
    try:
        parts = urlsplit(filled)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", filled)
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        right = False
    if not right:
        shown = shown_address(url) if "://" in url else quoted(url)[1:-1]
        findings.error(path, f"'{shown}' is not an address; write https://host/path")


def _check_header(header: str, value: Any, path: str, findings: Findings) -> None:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", header):
        findings.error(path, "is not the name of a header")
    elif isinstance(value, str) and re.search(r"[\r\n]", value):
        findings.error(path, "holds a line break, which no header can")
    elif isinstance(value, str):
        _references_wrong(value, path, findings)


def _references_wrong(text: str, path: str, findings: Findings) -> bool:
    try:
        list(references_in(text))
    except InvalidReference as error:
        findings.error(path, str(error))
        return True
    return False


def read_proxy(
    name: str, package: str, words: Sequence[str], first: int, env: Mapping[str, Secret], findings: Findings
) -> Remote | None:
    """Reads the server behind ``npx mcp-remote ADDRESS --header NAME:VALUE``; None when it is something else.

    Clients reach such a server without the proxy, which would only show its headers to everybody on the host.
    """
    if package != _PROXY or not words or not re.match(r"https?://", words[0]):
        return None
    _check_address(words[0], f"args[{first}]", findings)
    headers: dict[str, Secret] = {}
    places: dict[str, str] = {}
    kind, position = "http", 1
    while position < len(words):
        word, glued, text = words[position].partition("=")
        at = position if glued else position + 1
        following = text if glued else (words[at] if at < len(words) else "")
        if word == "--header":
            header, _colon, value = following.partition(":")
            places[header.strip()] = f"args[{first + at}]"
            _check_header(header.strip(), value.strip(), places[header.strip()], findings)
            headers[header.strip()] = Secret(with_own_variables(value.strip(), env)[0])
            position = at
        elif word == "--transport":
            kind = "sse" if following.startswith("sse") else "http"
            position = at
        else:
            findings.explain(f"args[{first + position}]", "is ignored: it is for the proxy")
        position += 1
    findings.explain("command", f"'{_PROXY}' only passes on to a remote server, which clients reach by themselves")
    check_remote(f"args[{first}]", words[0], headers, places, findings)
    if kind == "http" and re.search(r"/sse/?(?:[?#]|$)", words[0]):
        kind = "sse"
    return Remote(name, kind, Secret(words[0]), headers)
