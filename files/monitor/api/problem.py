"""What an operation answers where it cannot do what was asked: problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Mistake:
    """Something that is wrong in a request: ``place`` is such as query.lines, body.name or path.id."""

    place: str
    text: str


@dataclass(frozen=True)
class Note:
    """What the audit list says of a refusal: its kind (``monitor.access.refusals``), and whose call it was."""

    kind: str
    user: str | None


@dataclass(frozen=True)
class Kind:
    """A kind of problem; ``name`` tells it from others for programs, and never changes."""

    name: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """The URI that stands for it."""
        return f"urn:mcp-orchestrator:problem:{self.name}"


INVALID = Kind("invalid-request", 400, "The request is not as the operation takes it")
LOGIN = Kind("login-required", 401, "Nobody is signed in")
FORBIDDEN = Kind("forbidden", 403, "This is not allowed to whoever asks")
BROWSER = Kind("browser-without-token", 403, "A browser's script needs a token")
NO_OPERATION = Kind("no-such-operation", 404, "There is no such operation")
UNKNOWN = Kind("not-found", 404, "There is no such thing")
METHOD = Kind("method-not-allowed", 405, "The operation has other methods")
SUPERSEDED = Kind("request-superseded", 409, "Somebody asked for the opposite before a run had come to it")
FAILED = Kind("request-failed", 409, "It is recorded, and something is in the way")
TOO_LARGE = Kind("too-large", 413, "The body is too large")
MEDIA = Kind("unsupported-media-type", 415, "The body is not JSON")
REFUSED = Kind("request-refused", 422, "Nothing was done")
UNSEARCHABLE = Kind("not-searchable", 422, "This cannot be looked for")
KEY_REUSED = Kind("idempotency-key-reused", 422, "The idempotency key belongs to another request")
TOO_MANY = Kind("too-many-requests", 429, "Too much was asked in too short a time")
UNAVAILABLE = Kind("not-available", 503, "This is not known, or not possible, now")
BROKEN = Kind("broken", 500, "The monitor broke")
KINDS = (
    INVALID,
    LOGIN,
    FORBIDDEN,
    BROWSER,
    NO_OPERATION,
    UNKNOWN,
    METHOD,
    SUPERSEDED,
    FAILED,
    TOO_LARGE,
    MEDIA,
    REFUSED,
    UNSEARCHABLE,
    KEY_REUSED,
    TOO_MANY,
    UNAVAILABLE,
    BROKEN,
)


class Problem(Exception):
    """Ends an operation; ``more`` are further members of the document. One with a note is refused."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        mistakes: Sequence[Mistake] = (),
        headers: Mapping[str, str] | None = None,
        note: Note | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.mistakes = mistakes
        self.headers = headers or {}
        self.note = note
        self.more = more

    def document(self) -> dict[str, Any]:
        """Returns the document as plain data."""
        document: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.mistakes:
            document["errors"] = [{"place": each.place, "detail": each.text} for each in self.mistakes]
        return document | self.more


def phrase(status: int) -> str:
    """Returns the words that HTTP has for a status."""
    return HTTPStatus(status).phrase
