# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a server is reached: what it speaks, on which port, at which paths."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.extension import KEY, Extension
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry

PREFIX = "/mcp"
STDIO_PATH = "/mcp"  # where the bridge answers MCP, below the prefix
_DEFAULT_PATHS = {"http": "/mcp", "sse": "/sse"}
_HTTP_WORD = re.compile(r"(--?[a-z-]*=)?(streamable[-_]?http|http[-_]?stream|sse|http)", re.IGNORECASE)
_ONLY_HTTP = ("port", "path", "health_path", "strip_prefix", "host_header")
_ONLY_STDIO = ("isolation", "idle_timeout", "sleep_after", "deep_check_interval", "bridge")


@dataclass(frozen=True)
class Reach:
    """How one server is reached; the fields are those of the spec."""

    transport: str
    port: int | None
    path: str
    mcp_path: str
    health_path: str
    health_matcher: str
    strip_prefix: bool
    host_header: str | None


def read_reach(name: str, parsed: ParsedEntry, extension: Extension, kind: str | None, findings: Findings) -> Reach:
    """Reads how the server is reached, from its argv, its extension, and the ``kind`` that its entry says.

    A client that starts a command speaks stdio with it (MCP specification, Transports): ``docker run -i`` keeps
    standard input open for that, and a port beside it is a further one.
    """
    published = parsed.publish_all or bool(parsed.ports)
    transport = extension.transport or _spoken(published, parsed, extension, kind, findings)
    mismatched = _ONLY_HTTP if transport == "stdio" else _ONLY_STDIO
    for key in mismatched:
        if getattr(extension, key) is not None:
            kind = "http and sse" if transport == "stdio" else "stdio"
            findings.error(f"{KEY}.{key}", f"is for {kind} servers, and this one speaks {transport}; remove it")
    if transport != "stdio":
        return _direct(name, transport, parsed, extension, findings)
    if published:
        _explain_port(parsed, extension, findings)
    path = f"{PREFIX}/{name}"
    return Reach("stdio", None, path, STDIO_PATH, f"{path}/health", "200", False, None)


def _spoken(published: bool, parsed: ParsedEntry, extension: Extension, kind: str | None, findings: Findings) -> str:
    if extension.port is not None:
        return "sse" if kind == "sse" else "http"
    if kind in {"http", "sse"}:
        if not published or parsed.stdio:
            why = (
                f"{parsed.stdio} says stdio"
                if parsed.stdio
                else "a client speaks stdio with the command that it starts"
            )
            findings.error("type", f"says {kind}, and {why}; remove it, or name the port with {KEY}.port")
        return kind
    return "http" if published and not parsed.stdio else "stdio"


def _explain_port(parsed: ParsedEntry, extension: Extension, findings: Findings) -> None:
    why = f"{KEY}.transport" if extension.transport else parsed.stdio
    ports = sorted(set(parsed.ports))
    which = "the image's ports are"
    if ports:
        which = f"port {ports[0]} is" if len(ports) == 1 else f"ports {' and '.join(map(str, ports))} are"
    message = (
        f"{which} not published: the server speaks stdio, as {why} says, and is reached through the bridge;"
        f" {KEY}.transport = http with {KEY}.port makes one the port of MCP"
    )
    words = [*(parsed.command or ()), *(value.reveal() for value in parsed.env.values())]
    if not extension.transport and any(_HTTP_WORD.fullmatch(word) for word in words):
        findings.warn("args", f"{message}, which the arguments seem to ask for")
    else:
        findings.explain("args", message)


def _direct(name: str, transport: str, parsed: ParsedEntry, extension: Extension, findings: Findings) -> Reach:
    mcp_path = extension.path or _DEFAULT_PATHS[transport]
    if transport == "sse":
        findings.explain(
            f"{KEY}.transport",
            f"a server of the older transport tells clients where to send messages; it has to know that it is reached"
            f" under {PREFIX}/{name}, or its messages get lost",
        )
    # Without a path of its own for health, any answer that is not a server's fault says that it lives.
    matcher = "200" if extension.health_path else "200-499"
    return Reach(
        transport,
        _port(parsed, extension, findings),
        f"{PREFIX}/{name}",
        mcp_path,
        extension.health_path or mcp_path,
        matcher,
        extension.strip_prefix is not False,
        extension.host_header,
    )


def _port(parsed: ParsedEntry, extension: Extension, findings: Findings) -> int | None:
    """The port in the container; None is the only one that the image exposes."""
    if extension.port is not None:
        return extension.port
    choices = sorted(set(parsed.ports))
    if len(choices) > 1:
        listed = " or ".join(map(str, choices))
        findings.error("args", f"publishes several ports; say with {KEY}.port which one speaks MCP: {listed}")
    elif not choices:
        findings.explain("", "the port is the one that the image exposes")
    return choices[0] if choices else None
