"""A first verification file for a server, made of what it lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from verify.session import Session, list_prompts, list_resources, list_tools
from verify.target import Target

_HEAD = """\
# What is asked of {name}, and what has to come. docs/verify.md explains every key.
#   make verify NAME={name}
servers: [{quoted}]
protocols: [auto]
cases:
"""
_CALLS = """
# Calls with made-up arguments: put in true ones, say what has to come, and remove the marks of a comment. Tools may
# change something where they say nothing else of themselves.
"""
_VALUES = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}, "null": None}


async def first_file(session: Session, target: Target) -> str:
    """The text of a file with what the server of an open session says of itself."""
    client = session.client
    can = client.server_capabilities
    opening = session.opening.document
    tools = (await list_tools(client)).tools if can.tools else []
    resources = (await list_resources(client)).resources if can.resources else []
    prompts = (await list_prompts(client)).prompts if can.prompts else []
    steps: list[dict[str, Any]] = [{"initialize": None, "expect": _introduction(opening)}]
    for action, part, names in (
        ("list_tools", "tools[].name", [each.name for each in tools]),
        ("list_resources", "resources[].uri", [str(each.uri) for each in resources]),
        ("list_prompts", "prompts[].name", [each.name for each in prompts]),
    ):
        if names:
            steps.append({action: None, "expect": [{"path": part, "contains": name} for name in names]})
    cases: list[dict[str, Any]] = [{"name": "says who it is and what it has", "steps": steps}]
    calls = [{"name": f"calls {each.name}", "steps": [_call(each.name, each.input_schema)]} for each in tools]
    head = _HEAD.format(name=target.name, quoted=_yaml(target.name))
    comment = _CALLS + "".join(f"# {line}\n" for line in _indented(calls).splitlines()) if calls else ""
    return head + _indented(cases) + comment


def _introduction(opening: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = opening.get("serverInfo", {}).get("name")
    return [{"path": "serverInfo.name", "equals": name}] if name else [{"within": 10}]


def _call(name: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    properties = (schema or {}).get("properties", {})
    required = [each for each in (schema or {}).get("required", []) if each in properties]
    step: dict[str, Any] = {"call_tool": name}
    if required:
        step["arguments"] = {each: _example(properties[each]) for each in required}
    return {**step, "expect": [{"within": 5}]}


def _example(schema: Any) -> Any:
    """A value that a schema of an argument allows, as far as it is plain."""
    if not isinstance(schema, Mapping):
        return "text"
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    least = schema.get("minimum")
    return least if least is not None else _VALUES.get(str(kind), "text")


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True)
    return text.partition("\n")[0]


def _indented(cases: list[dict[str, Any]]) -> str:
    text = yaml.safe_dump(cases, sort_keys=False, allow_unicode=True, width=100).replace(": null\n", ":\n")
    return "".join(f"  {line}\n" for line in text.splitlines())
