"""Every operation of the API. Routing, validation, the OpenAPI document and docs/api.md are made of this table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from monitor.api.changes import CHANGES, CREATE_CONTAINER
from monitor.api.metrics import METRICS
from monitor.api.openapi import document
from monitor.api.operation import Call, Operation, Reply
from monitor.api.recorded import RECORDED
from monitor.api.runs import RUNS
from monitor.api.servers import SERVERS
from monitor.api.shape import ref
from monitor.api.templates import TEMPLATES


def _health(_call: Call) -> Reply:
    return Reply({"status": "ok"})


def _openapi(call: Call) -> Reply:
    return Reply(document(OPERATIONS, call.url))


ABOUT = (
    Operation("getHealth", "GET", "/health", None, "Whether the API answers.", _health, ref("health_of_the_api")),
    Operation("getOpenApi", "GET", "/openapi.json", None, "This API as OpenAPI 3.1.", _openapi, {"type": "object"}),
)


def _aliases(operations: tuple[Operation, ...]) -> Iterator[Operation]:
    """The same operations under the name that some documents use. What makes one has other names for its values too."""
    for each in operations:
        if each.body is None and (each.path == "/servers" or each.path.startswith("/servers/")):
            yield replace(
                each,
                name=each.name.replace("Server", "Container"),
                path=each.path.replace("/servers", "/containers", 1),
                more=f"The same as {each.method} {each.path}. {each.more}".rstrip(),
            )


_NAMED = (*ABOUT, *TEMPLATES, *SERVERS, *RECORDED, *CHANGES, *RUNS, *METRICS)
OPERATIONS: tuple[Operation, ...] = (*_NAMED, *_aliases(_NAMED), CREATE_CONTAINER)
