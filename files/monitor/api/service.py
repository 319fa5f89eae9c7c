"""From a request over HTTP to its operation, and from what that returns to an answer."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from monitor.access.refusals import ACTION
from monitor.access.users import NOBODY, User
from monitor.api.idempotency import IdempotencyKeys
from monitor.api.login import Login
from monitor.api.operation import Call, Operation, Parameter, Reply
from monitor.api.operations import OPERATIONS
from monitor.api.problem import (
    BROKEN,
    FORBIDDEN,
    INVALID,
    MEDIA,
    MEDIA_TYPE,
    METHOD,
    NO_OPERATION,
    TOO_LARGE,
    Mistake,
    Note,
    Problem,
)
from monitor.api.schema import mistakes, read_text
from monitor.sources import Sources
from monitor.web import Answer, Request

log = logging.getLogger("monitor")

PATH = "/api/v1"
"""Below the monitor's path."""
_JSON = "application/json"


class Api:
    """The operations below ``path``, for those whom ``login`` admits.

    Where they are public, scripts of any site may read what they answer.
    """

    def __init__(
        self,
        sources: Sources,
        login: Login,
        operations: Sequence[Operation] = OPERATIONS,
        path: str = PATH,
        is_public: bool = False,
    ) -> None:
        self.path = path
        self.is_public = is_public
        self._sources = sources
        self._login = login
        self._operations = operations
        self._keys = IdempotencyKeys()

    def answer(self, request: Request, body: bytes | None = b"") -> Answer:
        """Does what a request asks for; what goes wrong becomes a problem document. A body of None is too large."""
        return self._told(request, lambda: self._answered(request, body))

    def guarded(self, request: Request, perform: Callable[[User], Answer]) -> Answer:
        """Has something else than an operation done for those who may come in; ``perform`` may raise Problem."""
        return self._told(request, lambda: perform(self._login.user(request)))

    def _told(self, request: Request, perform: Callable[[], Answer]) -> Answer:
        try:
            return perform()
        except Problem as problem:
            self._note(request, problem)
            return _json(problem.document(), problem.kind.status, problem.headers, MEDIA_TYPE)
        except Exception:
            log.exception("%s %s broke", request.method, request.path)
            broken = Problem(BROKEN, "The monitor's log says more: journalctl -u mcp-monitor")
            return _json(broken.document(), 500, {}, MEDIA_TYPE)

    def _answered(self, request: Request, body: bytes | None) -> Answer:
        operation, arguments = self._operation(request)
        if operation.scope is not None:
            user = self._login.user(request)
            request = replace(request, user=user)
            if not user.may(operation.scope):
                raise Problem(
                    FORBIDDEN,
                    f"{operation.method} {operation.path} needs the scope {operation.scope}, and {user.name} has"
                    f" {user.role or 'none'}",
                    note=Note(ACTION, user.name),
                )
        else:
            request = replace(request, user=NOBODY)
        values, wrong = _values(operation, request, arguments)
        document, wrong_body = _body(operation, request, body)
        if wrong or wrong_body:
            raise Problem(INVALID, "See errors for everything that is wrong", mistakes=[*wrong, *wrong_body])
        url = f"{request.base}{self.path}"
        reply = operation.perform(Call(request, self._sources, url, values, document, self._keys))
        if isinstance(reply, Answer):
            return reply
        return _of_reply(request, reply)

    def _operation(self, request: Request) -> tuple[Operation, dict[str, str]]:
        path = request.path.removeprefix(self.path)
        method = "GET" if request.method == "HEAD" else request.method
        allowed = []
        for operation in self._operations:
            found = operation.form.fullmatch(path)
            if found is not None and operation.method == method:
                return operation, found.groupdict()
            if found is not None:
                allowed.append(operation.method)
        if not allowed:
            raise Problem(NO_OPERATION, f"See {request.base}{self.path}/openapi.json for those that there are")
        methods = ", ".join(sorted({*allowed, *(("HEAD",) if "GET" in allowed else ())}))
        raise Problem(METHOD, f"Here is: {methods}", headers={"Allow": methods})

    def _note(self, request: Request, problem: Problem) -> None:
        if problem.note is not None:
            text = f"{request.method} {_shown(request.path)}: {problem.detail}"
            self._sources.refusals.note(problem.note.kind, problem.note.user, request.client, text)


def _shown(path: str) -> str:
    """A path, as a line can have it."""
    return "".join(each if each.isprintable() else "?" for each in path[:120])


def _values(
    operation: Operation, request: Request, arguments: Mapping[str, str]
) -> tuple[dict[str, Any], list[Mistake]]:
    """The values of the parameters, and what is wrong with them."""
    values: dict[str, Any] = {}
    wrong: list[Mistake] = []
    known = {each.name for each in operation.parameters if each.place == "query"}
    for name in request.query:
        if name not in known and not operation.takes_more:
            text = f"is unknown; known are {', '.join(sorted(known)) or 'none'}"
            wrong.append(Mistake(f"query.{name[:40]!a}".replace("'", ""), text))
    for parameter in operation.parameters:
        given = _given(parameter, request, arguments)
        place = f"{parameter.place}.{parameter.name}"
        if len(given) > 1:
            wrong.append(Mistake(place, "is given more than once"))
        elif given:
            value = read_text(given[0], parameter.schema)
            found = list(mistakes(value, parameter.schema, place))
            wrong += found
            values[parameter.name] = value
        elif parameter.required:
            wrong.append(Mistake(place, "is missing"))
    return values, wrong


def _given(parameter: Parameter, request: Request, arguments: Mapping[str, str]) -> Sequence[str]:
    if parameter.place == "path":
        return (arguments[parameter.name],)
    if parameter.place == "header":
        value = request.headers.get(parameter.name.lower())
        return () if value is None else (value,)
    return request.query.get(parameter.name, ())


def _body(operation: Operation, request: Request, body: bytes | None) -> tuple[Any, list[Mistake]]:
    """The body as plain data, and what is wrong with it; raises Problem."""
    if body is None:
        raise Problem(TOO_LARGE, "A body has at most 64 KiB")
    if operation.body is None or not body:
        missing = operation.body is not None and operation.body_is_required
        return None, [Mistake("body", "is missing")] if missing else []
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise Problem(MEDIA, f"Send the body as JSON, with Content-Type: {_JSON}")
    try:
        document = json.loads(body, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        place = (
            f"line {error.lineno}, column {error.colno} does" if isinstance(error, json.JSONDecodeError) else "it does"
        )
        raise Problem(INVALID, f"The body is no JSON: {place} not parse") from None
    return document, list(mistakes(document, operation.body, "body"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(_word: str) -> None:
    raise ValueError("a number that JSON does not know")


def _of_reply(request: Request, reply: Reply) -> Answer:
    answer = _json(reply.document, reply.status, reply.headers)
    if request.method not in ("GET", "HEAD") or reply.status != 200 or not isinstance(answer.body, bytes):
        return answer
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    headers = {**answer.headers, "ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in _tags(request.headers.get("if-none-match", "")):
        return Answer(b"", 304, answer.content_type, headers)
    return replace(answer, headers=headers)


def _tags(header: str) -> Iterator[str]:
    """The tags of an If-None-Match, which are compared weakly (RFC 9110, 13.1.2)."""
    for each in header.split(","):
        yield each.strip().removeprefix("W/")


def _json(document: Any, status: int, headers: Mapping[str, str], kind: str = _JSON) -> Answer:
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Answer(content + b"\n", status, kind, headers)
