"""One session with a server over the SDK's client, in which steps are done one after the other."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types as types
from mcp import Client
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

from verify.outcome import Error, Outcome, failed, plain, result_of
from verify.scripted import completions, forms
from verify.suite import LEGACY, MODERN, WAIT, Script, Step
from verify.target import Target

OPEN_SECONDS = 60.0
CLIENT = types.Implementation(name="mcp-orchestrator-verify", version="1")


class Session:
    """An open session. ``opening`` is what came of opening it, as the step ``initialize`` shows it."""

    def __init__(self, client: Client, opening: Outcome) -> None:
        self.client = client
        self.opening = opening

    async def perform(self, step: Step) -> Outcome:
        """Does one step, whose variables are filled in."""
        if step.action == "initialize":
            return self.opening
        if step.action == WAIT:
            await anyio.sleep(step.subject)
            return Outcome({}, float(step.subject))
        return await _timed(lambda: _asked(self.client, step), step)

    async def error_of(self, step: Step) -> str | None:
        """Does one step for its error alone: the kind and the message of one that came."""
        if step.action in ("initialize", WAIT) or step.cancel_after is not None:
            error = (await self.perform(step)).error
        else:
            try:
                with anyio.fail_after(step.timeout):
                    result = await _asked(self.client, step)
                error = Error(("tool",), "the result is an error") if getattr(result, "is_error", False) else None
            except Exception as problem:
                error = failed(problem, 0.0).error
        return f"error {error.kind}: {error.message}" if error is not None else None


async def _timed(ask: Callable[[], Awaitable[BaseModel]], step: Step) -> Outcome:
    begun = time.perf_counter()
    limit = step.timeout if step.cancel_after is None else step.cancel_after
    try:
        # To leave the scope early tells the server that the call is given up, in the form of the session's protocol.
        with anyio.move_on_after(limit) as scope:
            result = await ask()
            return result_of(result, time.perf_counter() - begun)
    except Exception as problem:
        return failed(problem, time.perf_counter() - begun)
    seconds = time.perf_counter() - begun
    if not scope.cancelled_caught:  # pragma: no cover - the scope ends by an answer, an error or its deadline
        raise RuntimeError("a step ended without an outcome")
    kind = "timeout" if step.cancel_after is None else "cancelled"
    said = f"no answer within {limit:g} s" if kind == "timeout" else f"given up after {limit:g} s"
    return Outcome({"message": said, "text": said}, seconds, Error((kind,), said))


async def _asked(client: Client, step: Step) -> BaseModel:
    """The result of one request."""
    arguments = dict(step.arguments)
    if step.action == "call_tool":
        return await client.call_tool(step.subject, arguments)
    if step.action == "read_resource":
        return await client.read_resource(step.subject)
    if step.action == "get_prompt":
        return await client.get_prompt(step.subject, {name: str(value) for name, value in arguments.items()})
    result: BaseModel = await _LISTS[step.action](client)
    return result


async def _every_page(ask: Callable[[str | None], Awaitable[Any]], part: str) -> Any:
    """A list with what its further pages hold."""
    first = await ask(None)
    cursor, seen = first.next_cursor, set[str]()
    while cursor and cursor not in seen:
        seen.add(cursor)
        page = await ask(cursor)
        getattr(first, part).extend(getattr(page, part))
        cursor = page.next_cursor
    return first


async def list_tools(client: Client) -> Any:
    """All tools, of every page."""
    return await _every_page(lambda cursor: client.list_tools(cursor=cursor), "tools")


async def list_resources(client: Client) -> Any:
    """All resources, of every page."""
    return await _every_page(lambda cursor: client.list_resources(cursor=cursor), "resources")


async def list_templates(client: Client) -> Any:
    """All templates of resources, of every page."""
    return await _every_page(lambda cursor: client.list_resource_templates(cursor=cursor), "resource_templates")


async def list_prompts(client: Client) -> Any:
    """All prompts, of every page."""
    return await _every_page(lambda cursor: client.list_prompts(cursor=cursor), "prompts")


_LISTS = {"list_tools": list_tools, "list_resources": list_resources, "list_prompts": list_prompts}


@asynccontextmanager
async def opened(
    target: Target, protocol: str, headers: dict[str, str], script: Script | None = None
) -> AsyncIterator[Session]:
    """A session with the server in a protocol's era, whose questions a script answers; raises what the SDK raises
    where it cannot be had."""
    script = script or Script()
    begun = time.perf_counter()
    client = Client(
        target.connection(headers),
        mode="legacy" if protocol == LEGACY else "auto",
        cache=None,
        client_info=CLIENT,
        sampling_callback=completions(script.sampling),
        elicitation_callback=forms(script.elicitation),
    )
    with anyio.fail_after(OPEN_SECONDS) as opening:
        async with client:
            opening.deadline = float("inf")
            yield Session(client, _opening(client, protocol, time.perf_counter() - begun))


def _opening(client: Client, protocol: str, seconds: float) -> Outcome:
    document: dict[str, Any] = {
        "protocolVersion": client.protocol_version,
        "capabilities": plain(client.server_capabilities),
        "text": client.instructions or "",
    }
    if client.server_info is not None:
        document["serverInfo"] = plain(client.server_info)
    if client.instructions is not None:
        document["instructions"] = client.instructions
    error = None
    if protocol == MODERN and client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        said = f"the server does not speak {MODERN_PROTOCOL_VERSIONS[-1]}: it agreed on {client.protocol_version}"
        error = Error(("protocol",), said)
    return Outcome(document, seconds, error)
