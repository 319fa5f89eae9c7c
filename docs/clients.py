#!/usr/bin/env python3
"""Writes docs/clients.md from the tables by which the reader knows keys and where clients keep servers: make docs.

Which client writes which file is listed here; the tests read a file of each form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import (
    ADDRESSES,
    CLIENT_KEYS,
    ENTRY,
    PRIVATE_KEYS,
)

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "clients.md"
# Read and without an effect: they name a folder of the client's machine.
WITHOUT_EFFECT = ("cwd",)


@dataclass(frozen=True)
class ClientFile:
    """A file of a client: its names, none where the client exports one, the path of the key that holds its servers, and
    the keys of entries that this client has beside ``command``, ``args`` and ``env``; several with blanks between."""

    client: str
    files: str
    root: str
    keys: str = ""


# As the documentation of each client has them in November 2026.
READ = (
    ClientFile("Claude Desktop", "claude_desktop_config.json", "mcpServers"),
    ClientFile("Claude Code", ".mcp.json .claude.json", "mcpServers", "type url headers headersHelper oauth"),
    ClientFile("Cursor", ".cursor/mcp.json", "mcpServers", "type envFile url headers auth"),
    ClientFile(
        "VS Code",
        ".vscode/mcp.json",
        "servers",
        "type cwd envFile url headers dev gallery version sandbox sandboxEnabled",
    ),
    ClientFile("VS Code, older", "settings.json", "mcp.servers", "type envFile url headers"),
    ClientFile("Visual Studio", ".mcp.json", "servers", "type url headers"),
    ClientFile("GitHub Copilot, CLI and cloud agent", "mcp-config.json", "mcpServers", "type url headers tools"),
    ClientFile(
        "Windsurf, Antigravity", "mcp_config.json", "mcpServers", "serverUrl headers disabled disabledTools alwaysAllow"
    ),
    ClientFile("Cline", "cline_mcp_settings.json", "mcpServers", "type url headers disabled autoApprove timeout"),
    ClientFile(
        "Roo Code, Kilo Code",
        "mcp_settings.json .roo/mcp.json",
        "mcpServers",
        "type url headers disabled alwaysAllow disabledTools timeout watchPaths",
    ),
    ClientFile(
        "Gemini CLI, Qwen Code",
        "settings.json",
        "mcpServers",
        "httpUrl url headers cwd timeout trust description includeTools excludeTools oauth authProviderType targetName"
        " targetServiceAccount",
    ),
    ClientFile("Kiro", ".kiro/settings/mcp.json", "mcpServers", "url headers disabled autoApprove disabledTools"),
    ClientFile("Amazon Q", ".aws/amazonq/mcp.json", "mcpServers", "url headers disabled timeout"),
    ClientFile("LM Studio", "mcp.json", "mcpServers", "url headers"),
    ClientFile("JetBrains AI Assistant, Junie", "mcp.json", "mcpServers", "url headers"),
    ClientFile(
        "Cherry Studio",
        "",
        "mcpServers",
        "type baseUrl headers isActive provider providerUrl registryUrl logoUrl longRunning timeout tags",
    ),
    ClientFile(
        "fastmcp, MCP Inspector",
        "mcp.json",
        "mcpServers",
        "type transport url headers cwd timeout description icon auth",
    ),
)
# Files in which the servers stand under another key or in another format: an error says so.
NOT_READ = (
    ("Zed", "settings.json", "JSON", '{"context_servers": {"time": {"command": "npx", "args": ["-y", "time-mcp"]}}}'),
    ("OpenCode", "opencode.json", "JSON", '{"mcp": {"time": {"type": "local", "command": ["npx", "-y", "time-mcp"]}}}'),
    ("Amp", "settings.json", "JSON", '{"amp.mcpServers": {"time": {"command": "npx", "args": ["-y", "time-mcp"]}}}'),
    ("Codex", "config.toml", "TOML", '[mcp_servers.time]\ncommand = "npx"\nargs = ["-y", "time-mcp"]\n'),
    ("Continue", "config.yaml", "YAML", "mcpServers:\n  - name: time\n    command: npx\n"),
    ("Goose", "config.yaml", "YAML", "extensions:\n  time:\n    cmd: npx\n"),
    ("LiteLLM", "config.yaml", "YAML", "mcp_servers:\n  time:\n    command: npx\n"),
)
# Keys beside the servers by which clients switch the server "time" off, each with such a value.
SWITCHES = (
    ("Gemini CLI, Qwen Code", "mcp.excluded", ["time"]),
    ("Gemini CLI, Qwen Code", "mcp.allowed", ["others"]),
    ("Gemini CLI, older", "excludeMCPServers", ["time"]),
    ("Gemini CLI, older", "allowMCPServers", ["others"]),
    ("Claude Code", "disabledMcpjsonServers", ["time"]),
    ("Claude Code", "deniedMcpServers", [{"serverName": "time"}]),
    ("Claude Code", "allowedMcpServers", [{"serverName": "others"}]),
    ("VS Code", "chat.mcp.access", "none"),
    ("VS Code", "chat.mcp.enabled", False),
)
# Where a client keeps servers that are not read; a warning names them.
ELSEWHERE = (("Claude Code", ("projects", "/home/me/app", "mcpServers")),)


def becomes(key: str) -> str:
    """Returns what becomes of a key of an entry, as the reader's tables have it."""
    if key in CLIENT_KEYS:
        return "no effect here; exported to clients"
    if key in PRIVATE_KEYS:
        return "no effect here; never shown, and exported to clients with `SECRETS=true` alone"
    if key in WITHOUT_EFFECT:
        return "no effect here; a note says so"
    if key in ADDRESSES:
        return "the server runs elsewhere: it is exported to clients"
    return "read"


def page() -> str:
    """Returns the text of docs/clients.md."""
    files = [
        (each.client, _codes(each.files) or "an export of it", _codes(each.root), _codes(each.keys)) for each in READ
    ]
    others = [(client, f"`{file}`", form) for client, file, form, _sample in NOT_READ]
    beside = [
        (
            "`inputs`",
            "VS Code, Visual Studio",
            "`${input:ID}` is its `default`, or what `[inputs]` of `settings.conf` says",
        ),
        *((f"`{key}`", client, "the servers that it switches off are disabled") for client, key, _value in SWITCHES),
        *(
            (f"`{'.'.join((root[0], '…', root[-1]))}`", client, "not read; a warning names the servers")
            for client, root in ELSEWHERE
        ),
    ]
    keys = [(f"`{key}`", each.description, becomes(key)) for key, each in ENTRY.keys.items() if key != "orchestrator"]
    parts = [
        "# Clients' files",
        "A file that one of these clients reads is a config here, as it is: copy it to\n"
        "`/etc/mcp-orchestrator/mcp.config.json`, or into `mcp.config.d/`. Comments and trailing commas are allowed.",
        "## Files that are read",
        _table(("client", "file", "its servers", "keys beside `command`, `args`, `env`"), files),
        "[config.md](config.md#references) says what becomes of references in these files.",
        "## Keys beside the servers",
        _table(("key", "client", "what becomes of it"), beside),
        "## Files that are not read",
        "They are refused with the way out: write the servers in the form above.",
        _table(("client", "file", "format"), others),
        "## Files that are written",
        "`sudo make export FILE=mcp.json CLIENT=codex` writes the addresses of all servers in the form of a client;\n"
        "the [README](../README.md) names all of them.",
        # mcpgateway/config.py and mcpgateway/common/validators.py of mcp-contextforge-gateway 1.0.7
        "ContextForge refuses to import a server at an address of its own machine (`127.0.0.1`, `localhost`) unless\n"
        "`SSRF_ALLOW_LOCALHOST=true` is in its environment; one at a private address, such as that of an internal\n"
        "ALB, unless `SSRF_ALLOW_PRIVATE_NETWORKS=true` is or `SSRF_ALLOWED_NETWORKS` has its network; and one whose\n"
        "name it cannot look up, unless `SSRF_DNS_FAIL_CLOSED=false` is.",
        "## Keys of an entry",
        "Any other key is ignored with a warning, and an error with `strict` in `[service]` of `settings.conf`. One\n"
        "that looks like a login is always an error, so that none gets lost.",
        _table(("key", "meaning", "what becomes of it"), keys),
        "Written from the tables in `module_utils/config/read/keys.py` and `docs/clients.py` by `make docs`.",
    ]
    return "\n\n".join(parts) + "\n"


def _codes(words: str) -> str:
    return ", ".join(f"`{word}`" for word in words.split())


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
