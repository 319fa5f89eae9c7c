"""What the tools of a server are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.protocol import message as messages

from .handshake import META
from .rpc_client import NoAnswer, RpcClient

if TYPE_CHECKING:
    from .handshake import Handshake

_MOST_PAGES = 100
_MOST_BYTES = 96 * 1024
"""Of all names: more than any server has, and little for the memory of an idle bridge."""


async def ask_tool_names(rpc: RpcClient, handshake: Handshake, seconds: float) -> list[str]:
    """Returns the names of the server's tools, of which each page takes at most `seconds`; none where it offers no
    tools. Raises NoAnswer, also where the server answers with an error, as one may that wants its client's token."""
    capabilities = handshake.answer.result.get("capabilities")
    if not isinstance(capabilities, dict) or "tools" not in capabilities:
        return []
    names: list[str] = []
    params: dict[str, Any] = {"_meta": META} if handshake.modern else {}
    for _page in range(_MOST_PAGES):
        answer = await rpc.ask("tools/list", params, seconds)
        if answer.error is not None:
            if answer.error.get("code") == messages.METHOD_NOT_FOUND:
                return names
            raise NoAnswer("tools/list was answered with an error")
        listed = answer.result.get("tools")
        tools = [tool.get("name") for tool in listed if isinstance(tool, dict)] if isinstance(listed, list) else []
        names += [name for name in tools if isinstance(name, str)]
        cursor = answer.result.get("nextCursor")
        if sum(map(len, names)) > _MOST_BYTES:
            break
        if not isinstance(cursor, str):
            return names
        params["cursor"] = cursor
    raise NoAnswer("tools/list has too many tools")
