"""What is asked of the reconciler: each is a request, which the next run does, or says why not."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from request.client import NotWritten, ask, identity

from monitor.access.users import ADMIN, OPERATE
from monitor.api.documents import state_document
from monitor.api.entry import CONTAINER, SERVER, entry_of_container, entry_of_server
from monitor.api.operation import Call, Operation, Parameter, Reply
from monitor.api.problem import FAILED, REFUSED, SUPERSEDED, UNAVAILABLE, Mistake, Problem
from monitor.api.runs import request_document
from monitor.api.servers import NAME
from monitor.api.shape import Shape, ref
from monitor.waiting import Wanted

log = logging.getLogger("monitor")

LONGEST_WAIT = 50
"""Seconds: a balancer ends what says nothing for a minute."""
MOST_WAITING = 200
"""More than so many at once are told at once where their answer will be."""
_PAUSE_SECONDS = 0.1
_KINDS = {"failed": FAILED, "superseded": SUPERSEDED, "refused": REFUSED}

WAIT = Parameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT},
    "For how many seconds to wait for what comes of it; not at all without it.",
)
KEY = Parameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200},
    "The same key with the same request asks for nothing new, and tells of the first.",
    place="header",
)


class _Waiting:
    """How many wait for an answer."""

    count = 0


def request_of(call: Call, action: str, server: str | None = None, entry: Mapping[str, Any] | None = None) -> Reply:
    """Asks for something, waits where that is wanted, and returns what is known of it; raises Problem."""
    said: dict[str, Any] = {"action": action}
    if server is not None:
        said["server"] = server
    if entry is not None:
        said["entry"] = entry
    name = _repeated(call, said) or _written(call, said)
    return _told(call, name)


def _repeated(call: Call, said: Mapping[str, Any]) -> str | None:
    key = call.values.get(KEY.name)
    return None if key is None else call.keys.request_of(call.user.name, key, _digest(said))


def _written(call: Call, said: Mapping[str, Any]) -> str:
    name = identity()
    wanted = Wanted(said["action"], said.get("server"), call.user.name, f"API {call.request.client}")
    try:
        ask(call.sources.directory, name, {**said, "by": wanted.who, "from": wanted.origin})
    except NotWritten as error:
        log.error("%s", error)
        raise Problem(UNAVAILABLE, f"{error}. Nothing was done", headers={"Retry-After": "30"}) from None
    call.sources.waiting.note(name, wanted)
    key = call.values.get(KEY.name)
    if key is not None:
        call.keys.remember(call.user.name, key, _digest(said), name)
    what = " ".join(filter(None, (said["action"], said.get("server"))))
    log.info("%s asks from %s by the API: %s (request %s)", call.user.name, call.request.client, what, name)
    return name


def _digest(said: Mapping[str, Any]) -> str:
    """What stands for a request: its values may be secrets, and are not kept."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _told(call: Call, name: str) -> Reply:
    document = _after_wait(call, name)
    where = {"Location": f"{call.url}/requests/{name}"}
    if document["status"] == "waiting":
        return Reply(document, 202, {**where, "Retry-After": "1"})
    kind = _KINDS.get(document["status"])
    if kind is None:
        return Reply(document, 200, where)
    messages = document["messages"] or [kind.title]
    mistakes = [Mistake("request", message) for message in messages]
    raise Problem(kind, messages[0], mistakes=mistakes, headers=where, request=name)


def _after_wait(call: Call, name: str) -> dict[str, Any]:
    document = request_document(call, name)
    seconds = call.values.get("wait", 0)
    if not seconds or document["status"] != "waiting" or _Waiting.count >= MOST_WAITING:
        return document
    _Waiting.count += 1
    try:
        end = time.monotonic() + seconds
        while document["status"] == "waiting" and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)  # others are served meanwhile
            document = request_document(call, name)
    finally:
        _Waiting.count -= 1
    return document


def _of_server(action: str, call: Call) -> Reply:
    name: str = call.values["name"]
    state_document(call.sources).server(name)
    return request_of(call, action, name)


def _sync(call: Call) -> Reply:
    return request_of(call, "sync")


def _with_entry(action: str, name: str, entry_of: Callable[[Mapping[str, Any]], dict[str, Any]], call: Call) -> Reply:
    return request_of(call, action, call.body[name], entry_of(call.body))


_MEANINGS = {
    "start": ("startServer", "Start a server that was stopped."),
    "stop": ("stopServer", "Stop a server: it holds until a start or restart, or until its entry changes."),
    "restart": ("restartServer", "Give a server new containers, without losing a request."),
    "pull": ("pullServer", "Give a server the newest image of its tag, or a new build of its package."),
    "clear-override": ("clearServerOverride", "Go back to what the config says of a server."),
}
_ASKED = (
    "It is a request: 202 says where its answer will be. With wait the answer itself comes, as soon as it is there."
)


def _change(name: str, method: str, path: str, scope: str, summary: str, perform: Any, **more: Any) -> Operation:
    return Operation(
        name,
        method,
        path,
        scope,
        summary,
        perform,
        ref("request"),
        statuses=(200, 202),
        problems=(409, 422, 503, *more.pop("problems", ())),
        more=_ASKED,
        **more,
    )


def _creation(name: str, path: str, body: Shape, perform: Callable[[Call], Reply]) -> Operation:
    summary = "Make a server, from a template or from an entry of mcpServers."
    return _change(name, "POST", path, ADMIN, summary, perform, body=body, parameters=(WAIT, KEY))


CHANGES = (
    _creation("createServer", "/servers", SERVER, partial(_with_entry, "create", "name", entry_of_server)),
    *(
        _change(
            name,
            "POST",
            f"/servers/{{name}}/{action}",
            OPERATE,
            summary,
            partial(_of_server, action),
            parameters=(NAME, WAIT, KEY),
            problems=(404,),
        )
        for action, (name, summary) in _MEANINGS.items()
    ),
    _change(
        "deleteServer",
        "DELETE",
        "/servers/{name}",
        ADMIN,
        "Remove a server that a request has made.",
        partial(_of_server, "delete"),
        parameters=(NAME, WAIT, KEY),
        problems=(404,),
    ),
    _change(
        "checkServer",
        "POST",
        "/check",
        OPERATE,
        "Whether a server could be made so, and all that is in the way; nothing is made.",
        partial(_with_entry, "check", "name", entry_of_server),
        body=SERVER,
        parameters=(WAIT, KEY),
        problems=(413, 415),
    ),
    _change("sync", "POST", "/sync", OPERATE, "Start a run.", _sync, parameters=(WAIT, KEY)),
)
CREATE_CONTAINER = _creation(
    "createContainer", "/containers", CONTAINER, partial(_with_entry, "create", "service_name", entry_of_container)
)
