"""The OpenAPI document (https://spec.openapis.org/oas/v3.1.1.html) of a table of operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from monitor.api.operation import Operation, Parameter
from monitor.api.problem import MEDIA_TYPE, phrase
from monitor.api.shape import ref
from monitor.api.shapes import shapes

VERSION = "1.0.0"
DESCRIPTION = (
    "Servers of mcp.config.json: how they are, and what is asked of them. It reads what runs and the watcher have"
    " written, and writes requests, which the next run does."
)
_ALWAYS = (400, 405)
_SIGNED_IN = (401, 403, 429)
_WITH_BODY = (413, 415)


def problems_of(operation: Operation) -> list[int]:
    """Returns the statuses of every problem that an operation may answer with."""
    found = {*_ALWAYS, *operation.problems}
    if operation.scope is not None:
        found |= {*_SIGNED_IN, 503}
    if operation.body is not None:
        found |= set(_WITH_BODY)
    return sorted(found)


def document(operations: Sequence[Operation], url: str, description: str = DESCRIPTION) -> dict[str, Any]:
    """Returns the document of an API whose path is ``url``."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MCP Orchestrator",
            "version": VERSION,
            "description": description,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": url}],
        "paths": paths,
        "components": {
            "schemas": shapes(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "make token NAME=… SCOPE=view"},
                "password": {"type": "http", "scheme": "basic", "description": "A user of the page."},
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    scope = f"Needs the scope {operation.scope}." if operation.scope else "Needs no login."
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": " ".join(filter(None, (scope, operation.more))),
        "security": [{"token": []}, {"password": []}] if operation.scope else [],
        "responses": dict(_responses(operation)),
    }
    if operation.parameters:
        found["parameters"] = [_parameter(each) for each in operation.parameters]
    if operation.body is not None:
        content = {"application/json": {"schema": operation.body}}
        found["requestBody"] = {"required": operation.body_is_required, "content": content}
    return found


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.meaning,
        "schema": parameter.schema,
    }


def _responses(operation: Operation) -> Iterator[tuple[str, Any]]:
    media: dict[str, Any] = {each: {"schema": {"type": "string"}} for each in operation.media}
    if operation.answer is not None:
        media = {"application/json": {"schema": operation.answer}, **media}
    for status in operation.statuses:
        yield str(status), {"description": phrase(status), "content": media}
    if operation.method == "GET":
        yield "304", {"description": "It is as If-None-Match says."}
    for status in problems_of(operation):
        yield str(status), {"description": phrase(status), "content": {MEDIA_TYPE: {"schema": ref("problem")}}}
