"""The environment of the server's processes: the container's own, as the engine made it, and what clients may add."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_ARGUMENT = "MCP_SECRET_ARG_"  # with its number, from 1 on
_SESSION_KEYS = "MCP_BRIDGE_SESSION_KEYS"  # in hexadecimal digits, with commas between them
_HEADER = re.compile(r"\$\{header:([A-Za-z0-9-]+)\}")


def original() -> dict[str, str]:
    """Returns the environment that this process was started with. The interpreter adds a locale to its own (PEP 538),
    which no child should see."""
    try:
        with open("/proc/self/environ", "rb") as file:
            pairs = file.read().split(b"\0")
    except OSError:
        return dict(os.environ)
    return {
        os.fsdecode(name): os.fsdecode(value) for name, sign, value in (pair.partition(b"=") for pair in pairs) if sign
    }


def without_arguments(variables: Mapping[str, str], count: int) -> tuple[dict[str, str], list[str]]:
    """Returns the variables without those that hold arguments of the server, and these, `count` in all. An argument
    that nobody may read comes as a variable, which no process but those of this user can see. Raises KeyError where one
    is missing."""
    arguments = [variables[f"{_ARGUMENT}{number}"] for number in range(1, count + 1)]
    return {name: value for name, value in variables.items() if not name.startswith(_ARGUMENT)}, arguments


def without_session_keys(variables: Mapping[str, str]) -> tuple[dict[str, str], list[bytes]]:
    """Returns the variables without the keys that sign the ids of sessions, which are no business of the server's, and
    these. Raises ValueError where they are no keys."""
    keys = [bytes.fromhex(key) for key in variables.get(_SESSION_KEYS, "").split(",") if key]
    if any(len(key) < 16 for key in keys):
        raise ValueError("too short")
    return {name: value for name, value in variables.items() if name != _SESSION_KEYS}, keys


class Environment:
    """Variables whose values may name headers of the request that opens a session, as in `Bearer ${header:X-Token}`."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._fixed = {name: value for name, value in variables.items() if not _HEADER.search(value)}
        self._asking = {name: value for name, value in variables.items() if name not in self._fixed}

    @property
    def personal(self) -> bool:
        """Whether it differs from client to client."""
        return bool(self._asking)

    @property
    def headers(self) -> list[str]:
        """The names of the headers that it takes from clients."""
        return sorted({name for template in self._asking.values() for name in _HEADER.findall(template)})

    def refuses(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Returns why a client with `headers` cannot have an environment; None where it can."""
        for name in self.headers:
            if _CONTROL.search(headers.get(name.lower().encode(), b"")):
                return f"the header {name} has a control character in it, which no variable of the server can take"
        return None

    def of(self, headers: Mapping[bytes, bytes]) -> dict[str, str]:
        """Returns the environment for a client with `headers`. A variable that names a header it lacks is not set."""
        found = dict(self._fixed)
        for name, template in self._asking.items():
            # As bytes: os.fsdecode here and os.fsencode in posix_spawn are each other's reverse, whatever they meet.
            values = {header: headers.get(header.lower().encode()) for header in _HEADER.findall(template)}
            if None not in values.values():
                found[name] = _HEADER.sub(lambda match: _text(values[match.group(1)]), template)  # noqa: B023
        return found


def _text(value: bytes | None) -> str:
    return "" if value is None else os.fsdecode(value)
