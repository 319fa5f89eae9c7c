"""Headers that repeat what the body says (2026-07-28): both must agree, or what routes by the one and what acts by the
other could be told different things (modelcontextprotocol.io, 2026-07-28, streamable HTTP, request metadata)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import message as messages
from .revision import META_PREFIX

if TYPE_CHECKING:
    from .message import Message

Headers = Mapping[bytes, bytes]
"""The headers of a request by their names in lower case."""

HEADER_MISMATCH = -32020
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PARAMETER = b"mcp-param-"
ANNOTATION = "x-mcp-header"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_INTEGER = re.compile(r"(-?[0-9]{1,40})(\.0*)?")
_PRIMITIVES = frozenset({"string", "integer", "boolean"})
_VALUES = frozenset({"const", "default", "enum", "examples"})  # keywords below which there are no schemas


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a tool, at `path` in the arguments, that stands in `header`, too. `kind`: its JSON type."""

    path: tuple[str, ...]
    header: bytes
    kind: str


def check(headers: Headers, message: Message) -> bytes | None:
    """Returns the error for a request whose standard parts are missing or contradict each other; None where all is
    well."""
    missing = [key for key in ("protocolVersion", "clientCapabilities") if META_PREFIX + key not in message.meta]
    if missing:
        text = f"params._meta lacks {' and '.join(META_PREFIX + key for key in missing)}"
        return messages.error(message.id, messages.INVALID_PARAMS, text)
    if _header(headers, b"mcp-protocol-version") != message.meta[META_PREFIX + "protocolVersion"]:
        return _mismatch(message, "MCP-Protocol-Version")
    if _header(headers, b"mcp-method") != message.method:
        return _mismatch(message, "Mcp-Method")
    if message.method in _NAMED:
        named = message.params.get(_NAMED[message.method])
        if named is not None and decoded(_header(headers, b"mcp-name")) != named:
            return _mismatch(message, "Mcp-Name")
    return None


def concerns(headers: Headers, message: Message) -> bool:
    """Says whether the tool's parameters matter: without arguments and such headers there is nothing to contradict."""
    if message.method != "tools/call":
        return False
    return bool(message.params.get("arguments")) or any(name.startswith(_PARAMETER) for name in headers)


def check_parameters(headers: Headers, message: Message, parameters: tuple[Parameter, ...]) -> bytes | None:
    """Returns the error for a call whose arguments and headers contradict each other; None where they agree."""
    for parameter in parameters:
        value: Any = message.params.get("arguments")
        for key in parameter.path:
            value = value.get(key) if isinstance(value, dict) else None
        rendered = _rendered(value)
        if rendered is None:
            agrees = parameter.header not in headers
        else:
            said = decoded(_header(headers, parameter.header))
            agrees = said is not None and (said == rendered or _same_integer(parameter, said, value))
        if not agrees:
            return _mismatch(message, parameter.header.decode())
    return None


def parameters_of(schema: Any) -> tuple[Parameter, ...]:
    """Returns the parameters that a tool's input schema marks. There are none where any mark is invalid: clients leave
    the tool out."""
    found: list[Parameter] = []
    try:
        for path, marked in _marks(schema, ()):
            name, kind = marked[ANNOTATION], marked.get("type")
            if not path or not isinstance(name, str) or not _TOKEN.fullmatch(name):
                return ()
            if not isinstance(kind, str) or kind not in _PRIMITIVES:
                return ()
            found.append(Parameter(path, _PARAMETER + name.lower().encode(), kind))
    except RecursionError:
        return ()
    return tuple(found) if len({parameter.header for parameter in found}) == len(found) else ()


def decoded(value: str | None) -> str | None:
    """Returns a mirrored header's value, which may be wrapped as `=?base64?…?=`; None where it is absent or
    malformed."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return binascii.a2b_base64(value[9:-2], strict_mode=True).decode()
    except (binascii.Error, ValueError):
        return None


def _header(headers: Headers, name: bytes) -> str | None:
    """The value, None where it is absent or not plain ASCII."""
    value = headers.get(name)
    return None if value is None or not value.isascii() else value.decode()


def _mismatch(message: Message, header: str) -> bytes:
    return messages.error(message.id, HEADER_MISMATCH, f"Header mismatch: {header} does not say what the body says")


def _marks(schema: Any, path: tuple[str, ...] | None) -> Iterator[tuple[tuple[str, ...] | None, dict[str, Any]]]:
    """Every marked schema, with the path of its value; None where it may stand at more or fewer than one place."""
    if isinstance(schema, list):
        for element in schema:
            yield from _marks(element, None)
        return
    if not isinstance(schema, dict):
        return
    if ANNOTATION in schema:
        yield path, schema
    for key, below in schema.items():
        if key == "properties" and isinstance(below, dict):
            for name, one in below.items():
                yield from _marks(one, None if path is None else (*path, name))
        elif key not in _VALUES:
            yield from _marks(below, None)


def _rendered(value: Any) -> str | None:
    """What clients write for an argument, None where they write nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _same_integer(parameter: Parameter, said: str, value: Any) -> bool:
    match = _INTEGER.fullmatch(said) if parameter.kind == "integer" else None
    return match is not None and not isinstance(value, bool | str) and int(match[1]) == value
