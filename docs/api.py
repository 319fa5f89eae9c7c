#!/usr/bin/env python3
"""Writes docs/api.md from the table of operations: make docs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monitor.access.users import ROLES
from monitor.api.entry import CONTAINER
from monitor.api.openapi import problems_of
from monitor.api.operation import Operation, Parameter
from monitor.api.operations import OPERATIONS
from monitor.api.problem import KINDS
from monitor.api.rate import BURST, PER_SECOND
from monitor.api.registry import PATH, registry
from monitor.api.shape import Shape

PAGE = Path(__file__).with_name("api.md")

_INTRODUCTION = """\
# The API

What the page shows and does, for programs: at `/api/v1` below the page's path, so `https://<balancer>/monitor/api/v1`.
`openapi.json` there is the same as OpenAPI 3.1. It reads the files that runs and the watcher write, and what it is
asked to do becomes a [request](requests.md), which the next run does.

## Who may

```
sudo make token NAME=ci SCOPE=view           # prints the token, once; DAYS=90 is its life, 0 for no end
curl -H "Authorization: Bearer $TOKEN" https://<balancer>/monitor/api/v1/servers
sudo make tokens                             # who has one
sudo make delete-token NAME=ci               # it admits nobody from then on
```

Only a digest of a token is kept, in `/etc/mcp-orchestrator/monitor.tokens.json`. A user of the page may send name and
password instead (`curl -u admin`), with the rights of their role. A script in a browser may not: a browser sends a
password by itself, also for a script that one of the servers at the same address serves. Each token or user has {burst}
calls at once, and {rate:g} more a second.

| scope | may |
| --- | --- |
| `view` | read |
| `operate` | also start, stop and restart servers, and start runs |
| `admin` | also make servers, and remove them |

Scripts of other sites may call it where `settings.conf` names their origin (`[dashboard] api_origins`), with a token.
Where the load balancer asks for a login before the page (`[dashboard] auth = oidc`), a program is asked too; let it
call the monitor past the balancer, on the host.

## Answers

JSON. A good answer to a GET has an `ETag`; sent back as `If-None-Match` it gives 304 where nothing has changed. A list
that goes on has `next`, the path of its next page, also as a `Link`. Times are in UTC, and a time to ask for is such as
`2h`, `30m` or `2026-11-29T01:19:13Z`.

What goes wrong is a problem document (RFC 9457, `application/problem+json`): `detail` says what is wrong and the way
out, and `errors` has everything that is wrong, each with its place.

```json
{{"type": "urn:mcp-orchestrator:problem:invalid-request", "title": "The request is not as the operation takes it",
 "status": 400, "detail": "See errors for everything that is wrong",
 "errors": [{{"place": "query.limit", "detail": "is less than 1"}}]}}
```

| `type`, after `urn:mcp-orchestrator:problem:` | status | meaning |
| --- | --- | --- |
"""

_REGISTRY = """\
## The registry

The servers that run here, in the form of an MCP registry (API v0.1): an allow-list of GitHub Copilot or VS Code can
point at it. Give the client the address of the page, `https://<balancer>/monitor`: it appends `/v0.1/servers` itself.
In the settings of an organization or enterprise that is *MCP Registry URL*, in VS Code `chat.mcp.gallery.serviceUrl`.

Copilot and VS Code read a registry without a login, and can show none ([copilot-cli
3772](https://github.com/github/copilot-cli/issues/3772) of 2026-06-12, [vscode
282456](https://github.com/microsoft/vscode/issues/282456) of 2025-12-10). So `settings.conf` has to say `[dashboard]
registry = public`, and everybody who reaches the load balancer may then read the names of the servers, their URLs,
versions and tools, and the headers that they take; no secret. The page and the rest of the API keep their login: with
`[dashboard] auth = oidc` the load balancer gets one more rule, for this list alone. Scripts of any site may read what
is public, as [Copilot
wants](https://docs.github.com/en/copilot/how-tos/administer-copilot/manage-mcp-usage/configure-mcp-registry); an
embedded load balancer on loopback lets pass only those whose origin `[security] allowed_origins` names, such as
`vscode-file://vscode-app`. Without `registry = public` the list wants what the API wants, a token with the scope `view`
or a user of the page.

| operation | what it does |
| --- | --- |
{rows}

- A server's name is `<host>/<name>` with the parts of the host the other way round: `com.example.mcp/time` for
  `https://mcp.example.com/mcp/time/mcp`. Where the host is an address or has no dot, it is the name of the fleet. The
  slash may stand as `%2F`. Clients know servers by these names, so give the load balancer a name that stays.
- The version is what the server says of itself, else that of its package, else `0.0.0+` and its generation. There is
  one, the one that runs, which is also `latest`.
- `remotes` has its URL. A header that the server takes from its clients (`${{header:X-Token}}` in `env`) is an input
  there, required and secret. A server behind tokens (`auth = jwt`) has none: its clients find where to [log
  in](login.md) by themselves.
- Servers that are stopped or wrong, that run elsewhere or have no route are not listed.

`/v0.1/openapi.json` describes it. There are no server cards. Their proposal,
[SEP-2127](https://modelcontextprotocol.io/seps/2127-mcp-server-cards), is final as a charter; what a card looks like
and where it is stands in the repository `experimental-ext-server-card`, whose pages were drafts when looked at
(2026-11-29): `/.well-known/mcp/` has gone from them, and a catalog at `/.well-known/ai-catalog.json` leads to the
cards, by a specification ([AI Catalog](https://github.com/Agent-Card/ai-catalog/releases/tag/v0.9.0), 2026-11-22) that
is a release candidate."""

_CONTAINERS = """\
`/containers` and what is below it are other names for `/servers`. `POST /containers` takes other names for the values
too:

| key of the body | meaning |
| --- | --- |
{rows}"""


def page() -> str:
    """Returns the text of docs/api.md."""
    problems = "\n".join(f"| `{each.name}` | {each.status} | {each.title} |" for each in KINDS)
    named = [each for each in OPERATIONS if not each.path.startswith("/containers")]
    rows = "\n".join(f"| `{each.method} {each.path}` | {each.summary} | {_scope(each)} |" for each in named)
    table = f"## Operations\n\n| operation | what it does | scope |\n| --- | --- | --- |\n{rows}"
    parts = [
        _INTRODUCTION.format(burst=BURST, rate=PER_SECOND) + problems,
        table,
        _CONTAINERS.format(rows="\n".join(_body_rows(CONTAINER))),
        *(_chapter(each) for each in named if each.parameters or each.more or each.body),
        _REGISTRY.format(
            rows="\n".join(f"| `{each.method} {PATH}{each.path}` | {each.summary} |" for each in registry())
        ),
        "Written from `files/monitor/api` by `make docs`.",
    ]
    return "\n\n".join(parts) + "\n"


def _scope(operation: Operation) -> str:
    return f"`{operation.scope}`" if operation.scope in ROLES else "none"


def _chapter(operation: Operation) -> str:
    return "\n\n".join(_paragraphs(operation))


def _paragraphs(operation: Operation) -> Iterator[str]:
    yield f"### {operation.method} {operation.path}"
    yield operation.summary
    if operation.more:
        yield operation.more
    asked = [each for each in operation.parameters if each.place != "path"]
    if asked:
        rows = "\n".join(_row(each) for each in asked)
        yield f"| parameter | values | meaning |\n| --- | --- | --- |\n{rows}"
    if operation.body is not None:
        rows = "\n".join(_body_rows(operation.body))
        yield f"| key of the body | meaning |\n| --- | --- |\n{rows}"
    yield f"Problems: {', '.join(str(each) for each in problems_of(operation))}."


def _body_rows(body: Shape) -> Iterator[str]:
    for name, schema in body["properties"].items():
        below = ", ".join(f"`{each}`" for each in schema.get("properties", ()))
        yield f"| `{name}` | {schema.get('description') or f'An object with {below}.'} |"


def _row(parameter: Parameter) -> str:
    name = parameter.name if parameter.place == "query" else f"{parameter.name} ({parameter.place})"
    return f"| `{name}` | {_values(parameter)} | {parameter.meaning} |"


def _values(parameter: Parameter) -> str:
    schema = parameter.schema
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema["type"] == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    if schema["type"] == "boolean":
        return "`true`, `false`"
    if "anyOf" in schema:
        return "`2h`, `30m`, `7d` or a time"
    return f"a text of at most {schema['maxLength']} characters" if "maxLength" in schema else "a text"


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
