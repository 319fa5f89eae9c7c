"""One JSON-RPC message, kept as the bytes it arrived in."""

from __future__ import annotations

import json
from typing import Any

import orjson

Id = str | int | float

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
SERVER_ERROR = -32000


class NotAMessage(ValueError):
    """The bytes are not JSON, or not a JSON-RPC message. `code` is the JSON-RPC error that says which."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Message:
    """What the relay may know of a message: its bytes, its id and its method.

    `raw` holds no line break, so that it is one line on a stdio pipe and one `data:` field of an event stream.
    A message with a method and an id is a request, with a method alone a notification, with an id alone an answer.
    """

    __slots__ = ("_body", "id", "method", "raw")

    def __init__(self, raw: bytes, body: dict[str, Any]) -> None:
        self.raw = raw
        self._body = body
        self.id: Id | None = body.get("id")
        self.method: str | None = body.get("method")

    def renumbered(self, raw: bytes, ident: Id) -> Message:
        """The same message with another id; `raw` has it already."""
        return Message(raw, {**self._body, "id": ident})

    @property
    def is_request(self) -> bool:
        return self.method is not None and self.id is not None

    @property
    def is_answer(self) -> bool:
        return self.method is None

    @property
    def params(self) -> dict[str, Any]:
        """The parameters, empty where there are none or where they are not an object."""
        params = self._body.get("params")
        return params if isinstance(params, dict) else {}

    @property
    def meta(self) -> dict[str, Any]:
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}

    @property
    def result(self) -> dict[str, Any]:
        result = self._body.get("result")
        return result if isinstance(result, dict) else {}

    @property
    def error(self) -> dict[str, Any] | None:
        """The error of an answer, None for a result."""
        error = self._body.get("error")
        return error if isinstance(error, dict) else None


class Failure(Message):
    """An answer of the bridge's own: the server gave none."""

    __slots__ = ()

    def __init__(self, ident: Id, why: str) -> None:
        raw = error(ident, SERVER_ERROR, why)
        super().__init__(raw, orjson.loads(raw))


def outcome(answer: Message) -> str:
    """ok, error (the server's) or lost (the bridge's own, instead of the server's)."""
    if isinstance(answer, Failure):
        return "lost"
    return "ok" if answer.error is None else "error"


def decode(raw: bytes | bytearray) -> Any:
    """The JSON value in `raw`. Raises NotAMessage."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        # orjson refuses what the standard parser of many servers writes: NaN, lone surrogates, numbers beyond 64 bits
        # in some positions. Such a message is still somebody's answer.
        try:
            # UTF-8 only: bytes would be tried as UTF-16, too, and the server reads another message in them.
            return json.loads(raw.decode("utf-8-sig", "surrogatepass"))
        except (ValueError, RecursionError) as error:
            raise NotAMessage(PARSE_ERROR, "not valid JSON") from error


def parse(raw: bytes | bytearray) -> Message:
    """The single message in `raw`. Raises NotAMessage."""
    return from_value(single_line(raw), decode(raw))


def from_value(raw: bytes, value: Any) -> Message:
    """The message in `raw`, which has been decoded to `value`. Raises NotAMessage."""
    if not isinstance(value, dict):
        raise NotAMessage(INVALID_REQUEST, "not a JSON-RPC message: not an object")
    method, ident = value.get("method"), value.get("id")
    if method is None:
        if ident is None or not ("result" in value or "error" in value):
            raise NotAMessage(INVALID_REQUEST, "not a JSON-RPC message: neither a method nor an answer with an id")
    elif not isinstance(method, str):
        raise NotAMessage(INVALID_REQUEST, "not a JSON-RPC message: the method is not a string")
    elif ident is None and "id" in value:
        raise NotAMessage(INVALID_REQUEST, "the id of a request must not be null")
    if ident is not None and (isinstance(ident, bool) or not isinstance(ident, str | int | float)):
        raise NotAMessage(INVALID_REQUEST, "the id of a message must be a string or a number")
    return Message(raw, value)


def single_line(raw: bytes | bytearray) -> bytes:
    """`raw` without line breaks: outside of JSON strings they are white space, inside they cannot occur."""
    if b"\n" in raw or b"\r" in raw:
        raw = raw.replace(b"\n", b" ").replace(b"\r", b" ")
    return bytes(raw)


def error(ident: Id | None, code: int, text: str, data: Any = None) -> bytes:
    """An error answer to the request `ident`."""
    body: dict[str, Any] = {"code": code, "message": text}
    if data is not None:
        body["data"] = data
    return json.dumps({"jsonrpc": "2.0", "id": ident, "error": body}, separators=(",", ":")).encode()


def result(ident: Id, value: dict[str, Any]) -> bytes:
    """A result that answers the request `ident`."""
    return orjson.dumps({"jsonrpc": "2.0", "id": ident, "result": value})


def request(ident: Id, method: str, params: dict[str, Any] | None = None) -> bytes:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": ident, "method": method}
    if params is not None:
        body["params"] = params
    return orjson.dumps(body)


def notification(method: str, params: dict[str, Any] | None = None) -> bytes:
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        body["params"] = params
    return orjson.dumps(body)
