"""What a tool is, how the arguments that a model gives are checked, and what becomes of a call."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolResult, TextContent, ToolAnnotations
from mcp_types import Tool as Listed
from monitor.api.schema import Schema, mistakes
from monitor.api.shape import Shape

from manager.answers import standing_alone
from manager.api import Api, Refused

Tell = Callable[[float, str], Awaitable[None]]
"""Tells the caller how far it is, and what is new."""


@dataclass(frozen=True)
class Call:
    """A call of a tool, whose ``arguments`` are as its schema says."""

    api: Api
    arguments: Mapping[str, Any]
    tell: Tell


@dataclass(frozen=True)
class Tool:
    """``parameters`` are the schemas of its arguments by their names; ``answer`` is a shape of the API.

    ``destroys``: it may end what serves; without ``changes`` it only reads.
    """

    name: str
    title: str
    description: str
    answer: Shape
    perform: Callable[[Call], Awaitable[dict[str, Any]]]
    parameters: Mapping[str, Schema]
    required: tuple[str, ...] = ()
    changes: bool = False
    destroys: bool = False
    repeatable: bool = True
    """Whether to call it twice does no more than to call it once."""

    @property
    def schema(self) -> Schema:
        """The schema of its arguments."""
        return {
            "type": "object",
            "properties": dict(self.parameters),
            "required": list(self.required),
            "additionalProperties": False,
        }

    def listed(self) -> Listed:
        """How clients see it."""
        return Listed(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=dict(self.schema),
            output_schema=standing_alone(self.answer),
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=not self.changes,
                destructive_hint=self.destroys,
                idempotent_hint=self.repeatable,
                open_world_hint=False,
            ),
        )

    async def called(self, api: Api, given: Mapping[str, Any], tell: Tell) -> CallToolResult:
        """What a call comes to; what a model can do better next time is its text."""
        arguments = {name: _read(value, self.parameters.get(name, {})) for name, value in given.items()}
        wrong = [f"- {each.place} {each.text}" for each in mistakes(arguments, self.schema, "arguments")]
        if wrong:
            return _failed("\n".join(["The arguments are not as the tool takes them; nothing was done:", *wrong]))
        try:
            document = await self.perform(Call(api, arguments, tell))
        except Refused as refused:
            return _failed(str(refused))
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return CallToolResult(content=[TextContent(text=text)], structured_content=document)


def _read(value: Any, schema: Schema) -> Any:
    """The value. Some clients send lists and objects as a text of JSON."""
    if isinstance(value, str) and schema.get("type") in ("object", "array"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _failed(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)
