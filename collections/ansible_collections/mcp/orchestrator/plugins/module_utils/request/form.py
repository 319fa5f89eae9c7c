# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request says, and what it may not say. Pure.

The form is that of files/request.schema.json; a test holds both to the same judgement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

STOP, START, RESTART, SYNC, PULL = "stop", "start", "restart", "sync", "pull"
CLEAR, CREATE, DELETE, CHECK = "clear-override", "create", "delete", "check"
ACTIONS = (STOP, START, RESTART, SYNC, PULL, CLEAR, CREATE, DELETE, CHECK)
WITH_ENTRY = (CREATE, CHECK)

LARGEST = 64 * 1024
LONGEST_NAME, LONGEST_ORIGIN = 100, 200
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
# One line without control characters, and without what turns the direction of a text around.
LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*")
_KEYS = ("action", "server", "by", "from", "entry")


class Refused(Exception):
    """A request that is not done. The sentences say why, and the way out; none holds a value of the request."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages

    def __str__(self) -> str:
        return "; ".join(self.messages)


@dataclass(frozen=True)
class Who:
    """Who asks: the owner of the request's file, by number and name, and the name that the writer gives."""

    uid: int
    user: str
    name: str = ""

    @property
    def text(self) -> str:
        """Returns the name for people: that of the page's user, or else the owner's."""
        return self.name or self.user

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data."""
        return {"uid": self.uid, "user": self.user, "name": self.name}


@dataclass(frozen=True)
class Request:
    """``origin`` is from where it was asked; ``entry`` what a new server's entry is to be, with its secrets."""

    id: str
    action: str
    server: str | None
    who: Who
    origin: str = ""
    entry: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Request({self.id}: {self.action} {self.server or 'the fleet'})"


def parse(identity: str, content: bytes, uid: int, user: str) -> Request:
    """Reads a request from its file's content; ``uid`` and ``user`` are the file's owner. Raises Refused."""
    if not ID.fullmatch(identity):
        raise Refused("its file's name is no id: use letters, digits, '_' and '-', at most 64, and end it with .json")
    if len(content) > LARGEST:
        raise Refused(f"it is larger than {LARGEST // 1024} KiB")
    try:
        said = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise Refused("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Refused(f"it is not complete JSON: line {error.lineno}, column {error.colno} does not parse") from None
    except (ValueError, RecursionError) as error:
        raise Refused("it is nested too deeply" if isinstance(error, RecursionError) else str(error)) from None
    if not isinstance(said, dict):
        raise Refused('it is no JSON object; write {"action": …}')
    mistakes = list(_mistakes(said))
    if mistakes:
        raise Refused(*mistakes)
    return Request(
        id=identity,
        action=said["action"],
        server=said.get("server"),
        who=Who(uid, user, said.get("by", "")),
        origin=said.get("from", ""),
        entry=said.get("entry"),
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it has a key twice")
    return found


def _no_number(_word: str) -> None:
    raise ValueError("it has a number that JSON does not know")


def _mistakes(said: Mapping[str, Any]) -> Iterator[str]:
    if any(key not in _KEYS for key in said):
        yield f"it has a key that is not one of {', '.join(_KEYS)}"
    action, server = said.get("action"), said.get("server")
    if action not in ACTIONS:
        yield f"action is not one of {', '.join(ACTIONS)}"
        return
    if "server" not in said and action != SYNC:
        yield f"server is missing: {action} needs the name of one"
    elif "server" in said and action == SYNC:
        yield "server is given, and sync is for the whole fleet; leave it out"
    elif "server" in said and not (isinstance(server, str) and SERVER.fullmatch(server)):
        yield "server is no server's name: use letters, digits, '_', '.' and '-', at most 63"
    if "entry" in said and action not in WITH_ENTRY:
        yield f"entry is given, and only {' and '.join(WITH_ENTRY)} take one"
    elif action in WITH_ENTRY and not (isinstance(said.get("entry"), dict) and said["entry"]):
        yield "entry is missing: give what stands behind the server's name in mcp.config.json"
    for key, longest in (("by", LONGEST_NAME), ("from", LONGEST_ORIGIN)):
        value = said.get(key, "")
        if not (isinstance(value, str) and len(value) <= longest and LINE.fullmatch(value)):
            yield f"{key} is no text of at most {longest} characters on one line"
