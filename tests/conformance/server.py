"""A stdio server with what the official conformance suite calls, over plain JSON, with the standard library alone."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

Json = dict[str, Any]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
LOCK = threading.Lock()
ASKED: dict[str, threading.Event] = {}
ANSWERS: dict[str, Json] = {}
NUMBERS = iter(range(1, 1 << 30))


def say(message: Json) -> None:
    with LOCK:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def notify(method: str, params: Json) -> None:
    say({"method": method, "params": params})


def ask(method: str, params: Json) -> Json:
    ident = f"server-{next(NUMBERS)}"
    event = ASKED[ident] = threading.Event()
    say({"id": ident, "method": method, "params": params})
    event.wait(20)
    answer = ANSWERS.pop(ident)
    if "error" in answer:
        raise ValueError(answer["error"]["message"])
    result: Json = answer["result"]
    return result


def text(value: str) -> Json:
    return {"type": "text", "text": value}


def image() -> Json:
    return {"type": "image", "data": PNG, "mimeType": "image/png"}


def resource(uri: str, value: str, kind: str = "text/plain") -> Json:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": value}}


def elicit(message: str, properties: Json, required: list[str]) -> str:
    schema = {"type": "object", "properties": properties, "required": required}
    found = ask("elicitation/create", {"message": message, "requestedSchema": schema})
    return f"action={found['action']}, content={json.dumps(found.get('content'))}"


def logging(meta: Json, given: Json) -> list[Json]:
    for number, line in enumerate(("started", "", "completed")):
        time.sleep(0.05 if number else 0)
        data = f"Tool execution {line}" if line else "Tool processing data"
        notify("notifications/message", {"level": "info", "data": data})
    return [text("Logged three times.")]


def progress(meta: Json, given: Json) -> list[Json]:
    for done in (0, 50, 100):
        time.sleep(0.05 if done else 0)
        if "progressToken" in meta:
            notify("notifications/progress", {"progressToken": meta["progressToken"], "progress": done, "total": 100})
    time.sleep(0.05)  # the TypeScript SDK drops progress that comes in one piece with the answer
    return [text("Progressed.")]


def sampling(meta: Json, given: Json) -> list[Json]:
    content = {"type": "text", "text": given["prompt"]}
    found = ask("sampling/createMessage", {"messages": [{"role": "user", "content": content}], "maxTokens": 100})
    return [text(f"LLM response: {found['content']['text']}")]


def elicitation(meta: Json, given: Json) -> list[Json]:
    properties = {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    }
    return [text("User response: " + elicit(given["message"], properties, ["username", "email"]))]


def defaults(meta: Json, given: Json) -> list[Json]:
    properties = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return [text("Elicitation completed: " + elicit("Please confirm.", properties, []))]


def enums(meta: Json, given: Json) -> list[Json]:
    options = ["option1", "option2", "option3"]
    titled = [
        {"const": f"value{n}", "title": f"{name} Option"} for n, name in enumerate(("First", "Second", "Third"), 1)
    ]
    properties = {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return [text("Elicitation completed: " + elicit("Please choose.", properties, []))]


def fail(meta: Json, given: Json) -> list[Json]:
    raise RuntimeError("This tool intentionally returns an error for testing")


def reconnection(meta: Json, given: Json) -> list[Json]:
    time.sleep(1.5)
    return [text("Reconnection test completed successfully.")]


TOOLS: dict[str, Any] = {
    "test_simple_text": lambda meta, given: [text("This is a simple text response for testing.")],
    "test_image_content": lambda meta, given: [image()],
    "test_audio_content": lambda meta, given: [{"type": "audio", "data": WAV, "mimeType": "audio/wav"}],
    "test_embedded_resource": lambda meta, given: [
        resource("test://embedded-resource", "This is an embedded resource content.")
    ],
    "test_multiple_content_types": lambda meta, given: [
        text("Multiple content types test:"),
        image(),
        resource("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ],
    "test_tool_with_logging": logging,
    "test_tool_with_progress": progress,
    "test_error_handling": fail,
    "test_sampling": sampling,
    "test_elicitation": elicitation,
    "test_elicitation_sep1034_defaults": defaults,
    "test_elicitation_sep1330_enums": enums,
    "test_reconnection": reconnection,
    "json_schema_2020_12_tool": lambda meta, given: [text("ok")],
    "test_logging_tool": logging,
    "test_mirrored_arguments": lambda meta, given: [text(json.dumps(given))],
}
SCHEMAS: dict[str, Json] = {
    "test_sampling": {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
    "test_elicitation": {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "allOf": [{"anyOf": [{"required": ["name"]}, {"required": ["address"]}]}],
        "if": {"required": ["name"]},
        "then": {"required": ["address"]},
        "else": {"required": ["name"]},
        "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
        "additionalProperties": False,
    },
}
SCHEMAS["test_mirrored_arguments"] = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry"},
    },
    "required": ["region"],
}
PROMPTS: dict[str, tuple[list[str], Any]] = {
    "test_simple_prompt": ([], lambda given: [text("This is a simple prompt for testing.")]),
    "test_prompt_with_arguments": (
        ["arg1", "arg2"],
        lambda given: [text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")],
    ),
    "test_prompt_with_embedded_resource": (
        ["resourceUri"],
        lambda given: [
            resource(given["resourceUri"], "Embedded resource content for testing."),
            text("Please process the embedded resource above."),
        ],
    ),
    "test_prompt_with_image": ([], lambda given: [image(), text("Please analyze the image above.")]),
}
STATIC = {
    "test://static-text": {"mimeType": "text/plain", "text": "This is the content of the static text resource."},
    "test://static-binary": {"mimeType": "image/png", "blob": PNG},
    "test://watched-resource": {"mimeType": "text/plain", "text": "watched"},
}


def call(params: Json) -> Json:
    tool = TOOLS[params["name"]]
    try:
        return {"content": tool(params.get("_meta") or {}, params.get("arguments") or {})}
    except RuntimeError as error:
        return {"isError": True, "content": [text(str(error))]}


class UnknownResourceError(Exception):
    """There is no resource of this URI."""


def read(uri: str) -> Json:
    if uri in STATIC:
        return {"uri": uri, **STATIC[uri]}
    if not uri.startswith("test://template/"):
        raise UnknownResourceError(uri)
    ident = uri.removeprefix("test://template/").removesuffix("/data")
    data = json.dumps({"id": ident, "templateTest": True, "data": f"Data for ID: {ident}"})
    return {"uri": uri, "mimeType": "application/json", "text": data}


def prompt(params: Json) -> Json:
    contents = PROMPTS[params["name"]][1](params.get("arguments") or {})
    return {"messages": [{"role": "user", "content": content} for content in contents]}


def listed_prompt(name: str) -> Json:
    arguments = [{"name": one, "description": one, "required": True} for one in PROMPTS[name][0]]
    return {"name": name, "description": name, "arguments": arguments}


CAPABILITIES: Json = {
    "tools": {"listChanged": True},
    "resources": {"subscribe": True, "listChanged": True},
    "prompts": {"listChanged": True},
    "logging": {},
    "completions": {},
}
METHODS: dict[str, Any] = {
    "initialize": lambda params: {
        "protocolVersion": params["protocolVersion"],
        "capabilities": CAPABILITIES,
        "serverInfo": {"name": "conformance", "version": "1.0.0"},
    },
    "ping": lambda params: {},
    "logging/setLevel": lambda params: {},
    "completion/complete": lambda params: {"completion": {"values": ["paris", "park"], "total": 2, "hasMore": False}},
    "tools/list": lambda params: {
        "tools": [
            {"name": name, "description": name, "inputSchema": SCHEMAS.get(name, {"type": "object"})} for name in TOOLS
        ]
    },
    "tools/call": call,
    "resources/list": lambda params: {
        "resources": [
            {"uri": uri, "name": uri, "description": uri, "mimeType": STATIC[uri]["mimeType"]} for uri in STATIC
        ]
    },
    "resources/templates/list": lambda params: {
        "resourceTemplates": [{"uriTemplate": "test://template/{id}/data", "name": "template", "description": "data"}]
    },
    "resources/read": lambda params: {"contents": [read(params["uri"])]},
    "resources/subscribe": lambda params: {},
    "resources/unsubscribe": lambda params: {},
    "prompts/list": lambda params: {"prompts": [listed_prompt(name) for name in PROMPTS]},
    "prompts/get": prompt,
}


def handle(message: Json) -> None:
    try:
        say({"id": message["id"], "result": METHODS[message["method"]](message.get("params") or {})})
    except KeyError as error:
        say({"id": message["id"], "error": {"code": -32601, "message": f"unknown: {error}"}})
    except UnknownResourceError as error:
        found = {"code": -32602, "message": "no such resource", "data": {"uri": str(error)}}
        say({"id": message["id"], "error": found})
    except ValueError as error:
        say({"id": message["id"], "error": {"code": -32603, "message": str(error)}})


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "method" not in message:
            ANSWERS[message["id"]] = message
            ASKED.pop(message["id"], threading.Event()).set()
        elif "id" in message:
            threading.Thread(target=handle, args=(message,), daemon=True).start()


main()
