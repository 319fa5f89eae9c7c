"""With what a new server is asked for, and which entry of mcpServers that is. The config's reader judges it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.api.servers import NAME_FORM
from monitor.api.shape import TEXT, Shape

_NAME = {"type": "string", "pattern": NAME_FORM, "description": "A server's name."}
_TEMPLATE = {"type": "string", "maxLength": 100, "description": "A server type and its version, such as github@1."}
_ENV = {"type": "object", "additionalProperties": TEXT, "description": "Variables, by their names."}
_VOLUMES = {"type": "array", "items": TEXT, "maxItems": 100, "description": "Such as orders-data:/data."}
_REPLICAS = {"type": "integer", "minimum": 1, "maximum": 32, "description": "How many containers serve it."}

SERVER: Shape = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "description": "name and entry, or name and template with what it needs",
    "oneOf": [{"required": ["entry"], "maxProperties": 2}, {"required": ["template"], "properties": {"entry": False}}],
    "properties": {
        "name": _NAME,
        "entry": {
            "type": "object",
            "minProperties": 1,
            "description": "What stands behind the name in mcpServers. With it there is nothing but the name.",
        },
        "template": _TEMPLATE,
        "env": _ENV,
        "volumes": _VOLUMES,
        "replicas": _REPLICAS,
        "limits": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "memory": {"type": "string", "maxLength": 40, "description": "Such as 512m."},
                "cpus": {"type": "number", "minimum": 0.01, "description": "In cores."},
                "pids": {"type": "integer", "minimum": 1, "description": "Processes and threads."},
            },
        },
    },
}

CONTAINER: Shape = {
    "type": "object",
    "additionalProperties": False,
    "required": ["service_name"],
    "description": "service_name, and either image or template",
    "oneOf": [
        {"required": ["image"], "properties": {"template": False}},
        {"required": ["template"], "properties": {"image": False}},
    ],
    "properties": {
        "service_name": _NAME,
        "template": _TEMPLATE,
        "image": {"type": "string", "minLength": 1, "maxLength": 300, "description": "An image, without a template."},
        "environment": _ENV,
        "volumes": _VOLUMES,
        "replicas": _REPLICAS,
        "port": {
            "type": "integer",
            "minimum": 1,
            "maximum": 65535,
            "description": "Where a server that speaks HTTP itself listens in its container.",
        },
        "memory_limit": {"type": "string", "maxLength": 40, "description": "Such as 512m."},
        "cpu_limit": {"type": "number", "minimum": 0.01, "description": "In cores."},
        "health_check_path": {"type": "string", "maxLength": 128, "description": "Where it answers 200."},
    },
}


def entry_of_server(body: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the entry of a body of the form SERVER."""
    if "entry" in body:
        return dict(body["entry"])
    more = {name: body[name] for name in ("volumes", "replicas") if name in body}
    return _entry({"template": body["template"]}, body.get("env"), more, body.get("limits"))


def entry_of_container(body: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the entry of a body of the form CONTAINER."""
    is_image = "image" in body
    # Of env only what -e names reaches a container, as with docker run.
    passed = [word for name in body.get("environment", {}) for word in ("-e", name)]
    begun = (
        {"command": "docker", "args": ["run", "-i", "--rm", *passed, body["image"]]}
        if is_image
        else {"template": body["template"]}
    )
    names = {"volumes": "volumes", "replicas": "replicas", "port": "port", "health_check_path": "health_path"}
    limits = {"memory_limit": "memory", "cpu_limit": "cpus"}
    return _entry(begun, body.get("environment"), _renamed(body, names), _renamed(body, limits))


def _renamed(body: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {named: body[name] for name, named in names.items() if name in body}


def _entry(
    begun: dict[str, Any], env: Any, more: Mapping[str, Any], limits: Mapping[str, Any] | None
) -> dict[str, Any]:
    extension = {**more, **({"resources": dict(limits)} if limits else {})}
    return {**begun, **({"env": dict(env)} if env else {}), **({"orchestrator": extension} if extension else {})}
