"""Making, stopping, starting and removing servers: each is a request, which the next run does or says why not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from monitor.api.schema import Schema
from monitor.api.shape import TEXT, ref

from manager.tool import Call, Tool
from manager.tools.parameters import SERVER_NAME

WAIT_SECONDS = 45
"""Clients give a call a minute."""
_WAITS = (
    f" Waits up to {WAIT_SECONDS} seconds for the run that does it. Where status is waiting after that, it still comes:"
    " look at docker_get_server_status later, and do not ask again."
)


async def _create(call: Call) -> dict[str, Any]:
    given = call.arguments
    body = {"name": given["server_name"], "template": given["server_type"]}
    more = {"env": given.get("env_vars"), "volumes": given.get("volumes")}
    body |= {name: value for name, value in more.items() if value}
    return await call.api.post("/servers", body, wait=WAIT_SECONDS)


async def _delete(call: Call) -> dict[str, Any]:
    return await call.api.delete(f"/servers/{call.arguments['server_name']}", wait=WAIT_SECONDS)


def _action(action: str) -> Callable[[Call], Awaitable[dict[str, Any]]]:
    async def perform(call: Call) -> dict[str, Any]:
        return await call.api.post(f"/servers/{call.arguments['server_name']}/{action}", wait=WAIT_SECONDS)

    return perform


async def _sync(call: Call) -> dict[str, Any]:
    return await call.api.post("/sync", wait=WAIT_SECONDS)


def _change(
    name: str,
    title: str,
    description: str,
    perform: Callable[[Call], Awaitable[dict[str, Any]]],
    parameters: dict[str, Schema],
    required: tuple[str, ...],
    **more: bool,
) -> Tool:
    return Tool(name, title, description + _WAITS, ref("request"), perform, parameters, required, True, **more)


_ONE = {"server_name": SERVER_NAME}

CHANGES = (
    _change(
        "docker_create_server",
        "Create a server",
        "Makes a server from a template, in a container of its own, and publishes it at the load balancer."
        " Needs a token of the scope admin.",
        _create,
        {
            "server_type": {"type": "string", "maxLength": 100, "description": "A template and its version: github@1."},
            "server_name": SERVER_NAME,
            "env_vars": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "Variables, by their names. Their values are shown nowhere again.",
            },
            "volumes": {
                "type": "array",
                "items": TEXT,
                "maxItems": 100,
                "description": "Named volumes, such as orders-data:/data.",
            },
        },
        ("server_type", "server_name"),
        repeatable=False,
    ),
    _change(
        "docker_start_server",
        "Start a server",
        "Starts a server that was stopped. Needs a token of the scope operate.",
        _action("start"),
        _ONE,
        ("server_name",),
    ),
    _change(
        "docker_stop_server",
        "Stop a server",
        "Stops a server: its clients get 503, and no run starts it until somebody does, or until its entry in the"
        " config changes. Needs a token of the scope operate.",
        _action("stop"),
        _ONE,
        ("server_name",),
        destroys=True,
    ),
    _change(
        "docker_restart_server",
        "Restart a server",
        "Gives a server new containers, without losing a request; the end of a stop. Needs a token of the scope"
        " operate.",
        _action("restart"),
        _ONE,
        ("server_name",),
        repeatable=False,
    ),
    _change(
        "docker_delete_server",
        "Delete a server",
        "Removes a server that docker_create_server or a request has made, with its containers and its route. One that"
        " stands in the config's own file is removed there. Needs a token of the scope admin.",
        _delete,
        _ONE,
        ("server_name",),
        destroys=True,
    ),
    _change(
        "sync",
        "Start a run",
        "Starts a run, which brings every server to what the config says, and returns what it did. Needs a token of the"
        " scope operate.",
        _sync,
        {},
        (),
    ),
)
