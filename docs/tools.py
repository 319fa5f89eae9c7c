#!/usr/bin/env python3
"""Writes docs/mcp-tools.md from the table of tools: make docs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from manager.tool import Tool
from manager.tools import TOOLS
from manager.tools.changes import WAIT_SECONDS
from manager.tools.logs import FOLLOW_SECONDS, MOST_CHARACTERS, MOST_LINES
from manager.tools.servers import MOST
from monitor.api.schema import Schema
from monitor.api.wsgi import LARGEST_BODY
from monitor.tools_handover import MOST_AT_ONCE

PAGE = Path(__file__).with_name("mcp-tools.md")

_INTRODUCTION = """\
# The MCP tools

An assistant manages the servers by tools of its own: an MCP server at `/mcp` below the page's path, so
`https://<balancer>/monitor/mcp`. It speaks Streamable HTTP to clients of both eras (2026-07-28, and those that begin
with `initialize`), and keeps nothing between two requests. What a tool does is a call of the [API](api.md) with the
caller's own [token](api.md#who-may): it may what the token may, and what was done or refused is in the audit list under
the token's name.

```
sudo make token NAME=assistant SCOPE=view       # prints the token, once; operate and admin may more
```

A client's entry; the [clients' page](clients.md) says where yours keeps it:

```json
{{"mcpServers": {{"orchestrator": {{
  "type": "http",
  "url": "https://<balancer>/monitor/mcp",
  "headers": {{"Authorization": "Bearer mcpt_…"}}}}}}}}
```

On the host itself, or where a client starts its servers itself, the same tools speak over stdio:

```json
{{"mcpServers": {{"orchestrator": {{
  "command": "/opt/mcp-orchestrator/venv/bin/python",
  "args": ["-m", "manager", "--stdio"],
  "env": {{"PYTHONPATH": "/opt/mcp-orchestrator/current/files", "MCP_ORCHESTRATOR_TOKEN": "mcpt_…"}}}}}}}}
```

With `--api https://<balancer>/monitor/api/v1` it asks there, else the monitor on its own host. Where the load balancer
asks for a login before the page (`[dashboard] auth = oidc`), it asks every client; use stdio on the host then.

## Tools

{table}

What only reads is marked so (`readOnlyHint`), and so is what may end what serves (`destructiveHint`). Each tool has an
output schema, and answers with structured content and the same JSON as a text. What cannot be done is a result with
`isError`, whose text says what is wrong, where, and the way out. No answer has the value of a variable.

| bound | |
| --- | --- |
| servers of a list | {servers} |
| lines of a log | {lines:,}, {characters:,} characters |
| how long a log is followed | {follow:.0f} s |
| how long a change waits for its run | {wait} s; what is still `waiting` then still comes |
| a message to the tools | {message} KiB |
| calls that are open at once | {calls} |

A call counts twice in what a token may ask for: once for the tools, and once for the API.

## How it is made

`files/manager` is a process of its own (`mcp-manager`), since the official SDK is asyncio's and the monitor's server is
not. The monitor checks the token and hands the request on to a socket that nobody else gets to; so the tools need no
target group and no rule of the load balancer, of which there are few. The process has a user of its own, who may read
nothing of ours. That has its price: the list of 100 servers takes 2.8 ms through the load balancer, where the API takes
0.6 ms (`make bench-monitor`).
"""


def page() -> str:
    """Returns the text of docs/mcp-tools.md."""
    rows = "\n".join(f"| `{each.name}` | {each.description} | {_kind(each)} |" for each in TOOLS)
    table = f"| tool | what it does | kind |\n| --- | --- | --- |\n{rows}"
    bounds = {"servers": MOST, "lines": MOST_LINES, "characters": MOST_CHARACTERS, "follow": FOLLOW_SECONDS}
    more = {"wait": WAIT_SECONDS, "message": LARGEST_BODY // 1024, "calls": MOST_AT_ONCE}
    chapters = ["\n\n".join(_chapter(each)) for each in TOOLS if each.parameters]
    introduction = _INTRODUCTION.format(table=table, **bounds, **more)
    return "\n\n".join([introduction.rstrip(), *chapters, "Written from `files/manager` by `make docs`."]) + "\n"


def _kind(tool: Tool) -> str:
    return "reads" if not tool.changes else "destroys" if tool.destroys else "changes"


def _chapter(tool: Tool) -> Iterator[str]:
    yield f"### {tool.name}"
    rows = "\n".join(_row(name, schema, name in tool.required) for name, schema in tool.parameters.items())
    yield f"| parameter | values | meaning |\n| --- | --- | --- |\n{rows}"


def _row(name: str, schema: Schema, is_required: bool) -> str:
    return f"| `{name}`{'' if is_required else ' (optional)'} | {_values(schema)} | {schema['description']} |"


def _values(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema["type"] == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    return {"boolean": "`true`, `false`", "array": "a list", "object": "an object"}.get(schema["type"], "a text")


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
