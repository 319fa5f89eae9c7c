"""What came of a step: an answer or an error, and the seconds that it took."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp import MCPError
from mcp_types.jsonrpc import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
)
from pydantic import BaseModel, ValidationError

_KINDS = {
    PARSE_ERROR: "parse_error",
    INVALID_REQUEST: "invalid_request",
    METHOD_NOT_FOUND: "method_not_found",
    INVALID_PARAMS: "invalid_params",
    INTERNAL_ERROR: "internal_error",
}


@dataclass(frozen=True)
class Error:
    """An error: ``kinds`` are its names, the widest first, as an expectation may write any of them."""

    kinds: tuple[str, ...]
    message: str
    data: Any = None

    @property
    def kind(self) -> str:
        """Its narrowest name."""
        return self.kinds[-1]


@dataclass(frozen=True)
class Outcome:
    """``document`` is what paths lead into: the result as it came, with ``text``, and ``json`` where that text is JSON.

    For an error of the protocol it is the error. ``seconds`` is from the request to the answer.
    """

    document: Mapping[str, Any]
    seconds: float
    error: Error | None = None


def result_of(result: BaseModel, seconds: float) -> Outcome:
    """The outcome of a result of the SDK; a tool's own error is an error."""
    document = plain(result)
    text = _text(document)
    document["text"] = text
    if text.lstrip()[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            document["json"] = json.loads(text)
    error = Error(("tool",), text) if document.get("isError") else None
    return Outcome(document, seconds, error)


def plain(model: BaseModel) -> dict[str, Any]:
    """A message of the SDK as the protocol writes it."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def _text(document: Mapping[str, Any]) -> str:
    """The texts of a tool's content, of a resource's contents or of a prompt's messages, in lines."""
    parts = [*document.get("content", []), *document.get("contents", [])]
    parts += [each["content"] for each in document.get("messages", []) if isinstance(each.get("content"), Mapping)]
    return "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def failed(problem: BaseException, seconds: float) -> Outcome:
    """The outcome of an exception of the SDK. Raises it again where it is none that a server can cause."""
    error = error_of(problem)
    if error is None:
        raise problem
    return Outcome({"message": error.message, "data": error.data, "text": error.message}, seconds, error)


def error_of(problem: BaseException) -> Error | None:
    """The error that an exception stands for; None where a server cannot have caused it."""
    if isinstance(problem, BaseExceptionGroup):
        found = [error_of(each) for each in problem.exceptions]
        return next((each for each in found if each is not None), None)
    if isinstance(problem, MCPError):
        return _protocol(problem)
    if isinstance(problem, TimeoutError):
        return Error(("timeout",), str(problem) or "no answer in time")
    if isinstance(problem, httpx2.HTTPError | OSError | EOFError):
        return Error(("connection",), str(problem) or type(problem).__name__)
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return Error(("invalid_answer",), f"the answer is not as the protocol has it: {where}: {first['msg']}")
    if isinstance(problem, RuntimeError):
        # The SDK's for a result that its tool's own outputSchema does not allow, and for what it cannot read.
        return Error(("invalid_answer",), str(problem).splitlines()[0] if str(problem) else "no answer")
    return None


def _protocol(problem: MCPError) -> Error:
    code, message = problem.code, problem.message
    if code == CONNECTION_CLOSED:
        return Error(("connection",), message)
    name = (_KINDS[code],) if code in _KINDS else ()
    return Error(("protocol", str(code), *name), message, problem.data)
