"""How each client is told of servers: its own file's form, a command, a link that installs. Pure; no secret is in it.

An entry is what the state file has as ``client``: type (http or sse), url, perhaps headers.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Json = dict[str, Any]
Entries = Mapping[str, Mapping[str, Any]]
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Client:
    """``place`` is the file, or where to type it; ``text`` is what to put there, ``link`` installs one server or is
    None."""

    name: str
    place: str
    text: Callable[[Entries], str]
    link: Callable[[str, Mapping[str, Any]], str] | None = None


def claude_code(entries: Entries) -> str:
    """The commands that add the servers (https://docs.claude.com/en/docs/claude-code/mcp)."""
    lines = []
    for name, entry in entries.items():
        words = ["claude", "mcp", "add", "--transport", _type(entry), name, str(entry["url"])]
        for header, value in _headers(entry).items():
            words += ["--header", f"{header}: {value}"]
        lines.append(shlex.join(words))
    return "\n".join(lines)


def claude_desktop(entries: Entries) -> str:
    """Its file starts programs alone, so that a proxy passes on to the server (https://www.npmjs.com/package/mcp-remote)."""
    return _json({"mcpServers": {name: {"command": "npx", "args": _proxied(entry)} for name, entry in entries.items()}})


def cursor(entries: Entries) -> str:
    """Its file (https://cursor.com/docs/context/mcp)."""
    return _json({"mcpServers": {name: _cursor_entry(entry) for name, entry in entries.items()}})


def cursor_link(name: str, entry: Mapping[str, Any]) -> str:
    """A link that installs (https://cursor.com/docs/context/mcp/install-links)."""
    config = base64.b64encode(json.dumps(_cursor_entry(entry)).encode()).decode("ascii")
    return f"cursor://anysphere.cursor-deeplink/mcp/install?{urlencode({'name': name, 'config': config})}"


def vs_code(entries: Entries) -> str:
    """Its file (https://code.visualstudio.com/docs/copilot/reference/mcp-configuration)."""
    return _json({"servers": {name: _typed(entry) for name, entry in entries.items()}})


def vs_code_link(name: str, entry: Mapping[str, Any]) -> str:
    """A link that installs (https://code.visualstudio.com/api/extension-guides/ai/mcp)."""
    return f"vscode:mcp/install?{quote(json.dumps({'name': name, **_typed(entry)}), safe='')}"


def lite_llm(entries: Entries) -> str:
    """The part of its config.yaml (https://docs.litellm.ai/docs/mcp). It takes no hyphen in a name: a tool is called by
    its server's name, a hyphen and its own."""
    lines = ["mcp_servers:"]
    for name, entry in entries.items():
        lines += [
            f"  {_yaml(name.replace('-', '_'))}:",
            f"    url: {_yaml(entry['url'])}",
            f"    transport: {_type(entry)}",
        ]
        headers = _headers(entry)
        if headers:
            lines += ["    static_headers:", *(f"      {_yaml(key)}: {_yaml(value)}" for key, value in headers.items())]
    return "\n".join(lines) + "\n"


CLIENTS = (
    Client("Claude Code", "in a shell", claude_code),
    Client("Claude Desktop", "claude_desktop_config.json", claude_desktop),
    Client("Cursor", "~/.cursor/mcp.json", cursor, cursor_link),
    Client("VS Code", ".vscode/mcp.json", vs_code, vs_code_link),
    Client("LiteLLM", "config.yaml", lite_llm),
)


def _proxied(entry: Mapping[str, Any]) -> list[str]:
    url = str(entry["url"])
    words = ["-y", "mcp-remote", url]
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        words.append("--allow-http")
    if _type(entry) == "sse":
        words += ["--transport", "sse-only"]
    for header, value in _headers(entry).items():
        words += ["--header", f"{header}:{value}"]
    return words


def _cursor_entry(entry: Mapping[str, Any]) -> Json:
    headers = _headers(entry)
    return {"url": str(entry["url"]), **({"headers": headers} if headers else {})}


def _typed(entry: Mapping[str, Any]) -> Json:
    return {"type": _type(entry), **_cursor_entry(entry)}


def _type(entry: Mapping[str, Any]) -> str:
    return "sse" if entry.get("type") == "sse" else "http"


def _headers(entry: Mapping[str, Any]) -> dict[str, str]:
    headers = entry.get("headers")
    return {str(name): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}


def _json(document: Json) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(text: Any) -> str:
    """A text in YAML: one in JSON is that (https://yaml.org/spec/1.2.2/#13-terminology)."""
    return json.dumps(str(text), ensure_ascii=False)
