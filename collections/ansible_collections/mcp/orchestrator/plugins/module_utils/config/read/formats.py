# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file is that is no config, and what to write instead of it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import secrets_among

_FORM = '{"mcpServers": {"NAME": {"command": "…", "args": ["…"]}}}'
_TOML = re.compile(
    r"\s*(?:#[^\n]*\n\s*)*(?:\[\[?[A-Za-z0-9_.\"'/ -]+\]\]?\s*(?:#[^\n]*)?$|[A-Za-z0-9_.-]+\s*=\s*\S)", re.MULTILINE
)
_YAML = re.compile(r"\s*(?:---[^\n]*\n\s*)?(?:#[^\n]*\n\s*)*(?:[A-Za-z_][\w.-]*:(?:\s|$)|- +\S)")
_BARE_KEY = re.compile(r'\s*"(?:mcpServers|servers|[A-Za-z0-9_.-]+)"\s*:\s*\{')
_RUNNERS = {"npm": "npx", "pypi": "uvx", "oci": "docker", "docker": "docker"}


def hint_of_text(text: str) -> str:
    """Returns ``; this is TOML …`` for text that is no JSON but something that people take for it; else nothing."""
    start = text[:4000]
    if not text.strip():
        return f"; the file is empty: write {_FORM}"
    if re.match(r"\s*<(?:!doctype|html|\?xml)", start, re.IGNORECASE):
        return "; this is a web page or XML; save the file itself"
    if re.match(r"\s*(?:```|~~~)", start):
        return "; remove the line of the Markdown fence"
    if _BARE_KEY.match(start):
        return "; put { in front of it and } behind"
    if _TOML.match(start):
        return f"; this is TOML, as Codex has it: write {_of_toml(text)}"
    if _YAML.match(start):
        return f"; this is YAML, as LibreChat, Goose, Continue and LiteLLM have it: write {_FORM}"
    return ""


def _of_toml(text: str) -> str:
    try:
        servers = tomllib.loads(text).get("mcp_servers")
    except (tomllib.TOMLDecodeError, RecursionError):
        return _FORM
    return _written(servers) if isinstance(servers, dict) else _FORM


def _written(servers: Mapping[str, Any]) -> str:
    """The first server in the form of a config, without what may be a secret."""
    for name, entry in servers.items():
        if isinstance(entry, dict) and isinstance(entry.get("command"), str):
            args = entry.get("args")
            return _entry(name, [entry["command"], *(args if isinstance(args, list) else [])])
        if isinstance(entry, dict) and isinstance(entry.get("url"), str):
            return f'{{"mcpServers": {{"{printable(name)}": {{"url": "…"}}}}}}'
    return _FORM


def _entry(name: str, words: list[Any]) -> str:
    if not all(isinstance(each, str) for each in words):
        return _FORM
    hidden = {position for position, _text in secrets_among(words)}
    shown = [json.dumps("…" if at in hidden else printable(each), ensure_ascii=False) for at, each in enumerate(words)]
    entry = f'"command": {shown[0]}' + (f', "args": [{", ".join(shown[1:])}]' if shown[1:] else "")
    return f'{{"mcpServers": {{"{printable(name)}": {{{entry}}}}}}}'


def hint_of_value(value: Mapping[str, Any]) -> str:
    """Returns ``; this is …`` for JSON that describes a server in another form; else nothing."""
    name = value.get("name")
    name = name.rpartition("/")[2] if isinstance(name, str) and name else "NAME"
    server = value.get("server")
    if "manifest_version" in value or "dxt_version" in value:
        config = server.get("mcp_config") if isinstance(server, dict) else None
        written = _written({name: config}) if isinstance(config, dict) else _FORM
        return (
            f"; this is the manifest of an extension, whose files (${{__dirname}}) are on the client's machine; where"
            f" its server is a package or an image write it like {written}"
        )
    if isinstance(value.get("packages"), list) or isinstance(value.get("remotes"), list):
        return f"; this is the description of a server for the MCP registry: write {_of_registry(name, value)}"
    if "dependencies" in value or "devDependencies" in value:
        return f"; this is the package.json of a package: write {_entry('NAME', ['npx', '-y', name])}"
    if isinstance(value.get("services"), dict):
        return f"; this is a file of docker compose: write {_entry('NAME', ['docker', 'run', '-i', '--rm', 'IMAGE'])}"
    return ""


def _of_registry(name: str, value: Mapping[str, Any]) -> str:
    for package in value.get("packages") or ():
        if not isinstance(package, dict):
            continue
        kind = package.get("registryType", package.get("registry_type", package.get("registry_name")))
        identifier, version = package.get("identifier", package.get("name")), package.get("version")
        runner = _RUNNERS.get(str(kind))
        if runner is None or not isinstance(identifier, str):
            continue
        pinned = isinstance(version, str) and bool(re.fullmatch(r"[\w.+-]+", version))
        if runner == "docker":
            tag = f":{version}" if pinned and ":" not in identifier else ""
            return _entry(name, ["docker", "run", "-i", "--rm", f"{identifier}{tag}"])
        joint = "@" if runner == "npx" else "=="
        word = f"{identifier}{joint}{version}" if pinned else identifier
        return _entry(name, [runner, *(["-y"] if runner == "npx" else []), word])
    return f'{{"mcpServers": {{"{printable(name)}": {{"url": "…"}}}}}}' if value.get("remotes") else _FORM
