"""How each client is told of servers: its own file's form, a command, a link that installs. Pure; no secret is in it.

An entry is what the state file has as ``client``: type (http or sse), url, perhaps headers.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Json = dict[str, Any]
Entries = Mapping[str, Mapping[str, Any]]
_VARIABLE = re.compile(r"(?P<scheme>Bearer\s+)?\$\{(?:env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}", re.IGNORECASE)
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


def claude_code_file(entries: Entries) -> str:
    """The file of a project, .mcp.json (https://docs.claude.com/en/docs/claude-code/mcp)."""
    return _json({"mcpServers": {name: _typed(entry) for name, entry in entries.items()}})


def codex(entries: Entries) -> str:
    """Its config.toml (https://developers.openai.com/codex/mcp): names of letters, digits, ``_`` and ``-``, and no
    older transport, so that a proxy passes on to such a server. It takes tokens from variables alone."""
    lines: list[str] = []
    for name, entry in entries.items():
        lines += [f"[mcp_servers.{re.sub(r'[^A-Za-z0-9_-]', '-', name)}]"]
        if _type(entry) == "sse":
            lines += ['command = "npx"', f"args = {_inline(_proxied(entry))}", ""]
            continue
        lines.append(f"url = {_inline(str(entry['url']))}")
        plain, variables = {}, {}
        for header, value in _headers(entry).items():
            variable = _VARIABLE.fullmatch(value)
            if variable and header.lower() == "authorization" and variable["scheme"]:
                lines.append(f"bearer_token_env_var = {_inline(variable['name'])}")
            elif variable and not variable["scheme"]:
                variables[header] = variable["name"]
            else:
                plain[header] = value
        for key, headers in (("http_headers", plain), ("env_http_headers", variables)):
            if headers:
                told = ", ".join(f"{_inline(header)} = {_inline(value)}" for header, value in headers.items())
                lines.append(f"{key} = {{ {told} }}")
        lines.append("")
    return "\n".join(lines)


def gemini(entries: Entries) -> str:
    """Its settings.json, and Qwen Code's (https://geminicli.com/docs/tools/mcp-server)."""
    return claude_code_file(entries)


def mcphub(entries: Entries) -> str:
    """The part of its mcp_settings.json (ServerConfig in github.com/samanhappy/mcphub, src/types/index.ts)."""
    kinds = {"http": "streamable-http", "sse": "sse"}
    told = {name: {**_typed(entry), "type": kinds[_type(entry)]} for name, entry in entries.items()}
    return _json({"mcpServers": told})


def context_forge(entries: Entries) -> str:
    """A file for ``mcpgateway import`` (https://ibm.github.io/mcp-context-forge/manage/export-import/). It takes no
    header that its own key has not encrypted, so that what is missing is said where its operator reads it."""
    kinds = {"http": "STREAMABLEHTTP", "sse": "SSE"}
    gateways = []
    for name, entry in entries.items():
        told = {"name": name, "url": str(entry["url"]), "transport": kinds[_type(entry)]}
        if headers := _headers(entry):
            told["description"] = f"Wants {', '.join(headers)} as authentication, which the import leaves out."
        gateways.append(told)
    # The import wants to know when, and does nothing with it.
    return _json({"version": "2025-03-26", "exported_at": "1970-01-01T00:00:00Z", "entities": {"gateways": gateways}})


def lite_llm(entries: Entries) -> str:
    """The part of its config.yaml (https://docs.litellm.ai/docs/mcp). It takes no hyphen in a name: a tool is called by
    its server's name, a hyphen and its own. module_utils/litellm/naming.py has the same rule."""
    lines = ["mcp_servers:"]
    for name, entry in entries.items():
        lines += [
            f"  {_yaml(re.sub(r'[^A-Za-z0-9]', '_', name))}:",
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
    Client("Codex", "~/.codex/config.toml", codex),
    Client("Gemini CLI", "~/.gemini/settings.json", gemini),
    Client("LiteLLM", "config.yaml", lite_llm),
    Client("MCPHub", "mcp_settings.json", mcphub),
    Client("ContextForge", "a file for mcpgateway import", context_forge),
)
FILES: Mapping[str, Callable[[Entries], str]] = {
    "claude-code": claude_code_file,
    "claude-desktop": claude_desktop,
    "codex": codex,
    "contextforge": context_forge,
    "cursor": cursor,
    "gemini": gemini,
    "litellm": lite_llm,
    "mcphub": mcphub,
    "vscode": vs_code,
}
"""The files of clients, by what make export calls them."""


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


def _inline(value: str | list[str]) -> str:
    """A text or a list of texts in TOML: one in JSON is that, but for DEL (https://toml.io/en/v1.0.0#string)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _yaml(text: Any) -> str:
    """A text in YAML: one in JSON is that (https://yaml.org/spec/1.2.2/#13-terminology)."""
    return json.dumps(str(text), ensure_ascii=False)
