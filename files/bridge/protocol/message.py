"""One JSON-RPC message, kept as the bytes it arrived in."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from .json_splice import elements

Id = str | int | float

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
_RESERVED_FROM = -32768
"""The codes from here on are JSON-RPC's and MCP's own; others are the server's, as many as it likes."""

_LONGEST_NAME = 1024
"""Characters of an id, a token or a method. They are kept as long as a call lasts; nobody needs longer ones."""
_MOST_VALUES = 250_000
"""Values in one message of a client. A value of two bytes, such as `[]`, costs a hundred once it is decoded."""
_LONGEST_BATCH = 100
"""Messages in one array of a client."""
_KEPT = ("progressToken", "io.modelcontextprotocol/logLevel")
_NAMING = {"notifications/cancelled": "requestId", "notifications/progress": "progressToken"}
_NAME = f"must be a string of at most {_LONGEST_NAME} characters or an integer"
_BRACKETS = (b",", b"[", b"{")
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


class NotAMessage(ValueError):
    """The bytes are not JSON, or not a JSON-RPC message. `code` is the JSON-RPC error that says which, `ident` the
    request that it answers, where it has one."""

    def __init__(self, code: int, why: str, ident: Id | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.ident = ident

    @property
    def answer(self) -> bytes:
        """The JSON-RPC error that says so, as bytes of JSON."""
        return error(self.ident, self.code, str(self))


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

    def shorn(self) -> Message:
        """What of a request must be known until it is answered; the rest has been passed on and is not kept."""
        meta = self.meta
        kept = {key: meta[key] for key in _KEPT if key in meta and _is_name(meta[key])} if meta else {}
        return Message(b"", {"id": self.id, "method": self.method, "params": {"_meta": kept}})

    def renumbered(self, raw: bytes, ident: Id) -> Message:
        """The same message with another id; `raw` has it already."""
        return Message(raw, {**self._body, "id": ident})

    @property
    def is_request(self) -> bool:
        """Whether it must be answered."""
        return self.method is not None and self.id is not None

    @property
    def is_answer(self) -> bool:
        """Whether it is a result or an error."""
        return self.method is None

    @property
    def params(self) -> dict[str, Any]:
        """The parameters, empty where there are none or where they are not an object."""
        params = self._body.get("params")
        return params if isinstance(params, dict) else {}

    @property
    def meta(self) -> dict[str, Any]:
        """The parameters' `_meta`, empty where there is none."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}

    @property
    def tool(self) -> str:
        """The name of the tool that is called; empty in other messages."""
        if self.method != "tools/call":
            return ""
        name = self.params.get("name")
        return name[:_LONGEST_NAME] if isinstance(name, str) else ""

    @property
    def result(self) -> dict[str, Any]:
        """The result of an answer, empty for an error and where it is not an object."""
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
    """Returns ok, error (the server's) or lost (the bridge's own, instead of the server's)."""
    if isinstance(answer, Failure):
        return "lost"
    return "ok" if answer.error is None else "error"


def error_type(answer: Message) -> str:
    """Returns what went wrong in an answer of the server in one word: tool_error, the code of its error, or nothing."""
    if isinstance(answer, Failure):
        return ""
    error = answer.error
    if error is None:
        return "tool_error" if answer.result.get("isError") is True else ""
    code = error.get("code")
    return str(code) if type(code) is int and _RESERVED_FROM <= code <= SERVER_ERROR else "_OTHER"


def decode(raw: bytes | bytearray) -> Any:
    """Returns the JSON value in `raw`. Raises NotAMessage."""
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
    """Returns the single message in `raw`. Raises NotAMessage."""
    return from_value(single_line(raw), decode(raw))


def from_value(raw: bytes, value: Any) -> Message:
    """Returns the message in `raw`, which has been decoded to `value`. Raises NotAMessage."""
    if not isinstance(value, dict):
        raise NotAMessage(INVALID_REQUEST, "not a JSON-RPC message: not an object")
    method, ident = value.get("method"), value.get("id")
    if ident is not None and not _is_name(ident):
        raise NotAMessage(INVALID_REQUEST, f"the id of a message {_NAME}")
    if method is None:
        if ident is None or not ("result" in value or "error" in value):
            raise NotAMessage(INVALID_REQUEST, "not a JSON-RPC message: neither a method nor an answer with an id")
        return Message(raw, value)
    if not isinstance(method, str) or len(method) > _LONGEST_NAME:
        raise NotAMessage(
            INVALID_REQUEST, f"the method of a message must be a string of at most {_LONGEST_NAME} characters", ident
        )
    if ident is None and "id" in value:
        raise NotAMessage(INVALID_REQUEST, "the id of a request must not be null")
    fault = _fault_of_params(method, value.get("params"))
    if fault is not None:
        raise NotAMessage(INVALID_PARAMS, fault, ident)
    return Message(raw, value)


def read_batch(raw: bytes | bytearray, *, from_client: bool = False) -> tuple[list[Message], bool]:
    """Returns the messages in `raw`, one or more, and whether they came as a batch, which is an array (revision
    2025-03-26). What is `from_client` is bounded in the number of its messages and values. Raises NotAMessage."""
    if from_client and has_too_many_values(raw):
        raise NotAMessage(INVALID_REQUEST, f"the message has more than {_MOST_VALUES} values")
    value = decode(raw)
    line = single_line(raw)
    if not isinstance(value, list):
        return [from_value(line, value)], False
    if not value or (from_client and len(value) > _LONGEST_BATCH):
        raise NotAMessage(INVALID_REQUEST, f"a batch must have 1 to {_LONGEST_BATCH} messages, and has {len(value)}")
    return [from_value(part, one) for part, one in zip(elements(line), value, strict=True)], True


def _fault_of_params(method: str, params: Any) -> str | None:
    """What is wrong with those parameters that the bridge itself reads (schema: RequestParams, ProgressToken,
    CancelledNotificationParams)."""
    if params is None:  # left out; some write it so
        return None
    if not isinstance(params, dict):
        return "the params of a message must be an object"
    meta = params.get("_meta")
    if meta is not None and not isinstance(meta, dict):
        return "params._meta must be an object"
    token = None if meta is None else meta.get("progressToken")
    if token is not None and not _is_name(token):
        return f"params._meta.progressToken {_NAME}"
    named = _NAMING.get(method)
    if named is not None and params.get(named) is not None and not _is_name(params[named]):
        return f"params.{named} {_NAME}"
    return None


def _is_name(value: Any) -> bool:
    """Whether `value` may name a request or its progress: a string or an integer. `1.0` is one, `true` is none."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_NAME
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def has_too_many_values(raw: bytes | bytearray) -> bool:
    """Says whether decoding `raw`, which is JSON, would cost far more memory than its bytes do."""
    if len(raw) <= _MOST_VALUES or sum(raw.count(mark) for mark in _BRACKETS) <= _MOST_VALUES:
        return False
    bare = _STRINGS.sub(b"", raw)  # what stands in strings costs nothing
    return sum(bare.count(mark) for mark in _BRACKETS) > _MOST_VALUES


def single_line(raw: bytes | bytearray) -> bytes:
    """Returns `raw` without line breaks: outside of JSON strings they are white space, inside they cannot occur."""
    if b"\n" in raw or b"\r" in raw:
        raw = raw.replace(b"\n", b" ").replace(b"\r", b" ")
    return bytes(raw)


def error(ident: Id | None, code: int, text: str, data: Any = None) -> bytes:
    """Returns an error answer to the request `ident`, as bytes of JSON. `code` and `data` as JSON-RPC defines them."""
    body: dict[str, Any] = {"code": code, "message": text}
    if data is not None:
        body["data"] = data
    return json.dumps({"jsonrpc": "2.0", "id": ident, "error": body}, separators=(",", ":")).encode()


def result(ident: Id, value: dict[str, Any]) -> bytes:
    """Returns a result that answers the request `ident`, as bytes of JSON."""
    return orjson.dumps({"jsonrpc": "2.0", "id": ident, "result": value})


def request(ident: Id, method: str, params: dict[str, Any] | None = None) -> bytes:
    """Returns a request of the bridge's own, as bytes of JSON."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": ident, "method": method}
    if params is not None:
        body["params"] = params
    return orjson.dumps(body)


def notification(method: str, params: dict[str, Any] | None = None) -> bytes:
    """Returns a notification of the bridge's own, as bytes of JSON."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        body["params"] = params
    return orjson.dumps(body)
