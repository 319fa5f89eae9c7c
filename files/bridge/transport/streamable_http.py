"""Streamable HTTP: what a POST, a GET and a DELETE mean."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.protocol import message as messages
from bridge.protocol.message import Message, NotAMessage
from bridge.protocol.revision import BATCHES, HANDSHAKE, META_PREFIX

from .event_store import EventStores
from .identity import Ownership
from .session import Session
from .session_ids import SessionIds
from .stream_upgrade import StreamUpgrade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.http.request import Request
    from bridge.services import Services
    from bridge.upstream.upstreams import Upstreams

    from .session_ids import Agreed
    from .sessions import Sessions
    from .stateless_http import StatelessHttp

_UNKNOWN_SESSION = -32001
_REVISION = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_MODERN_KEY = META_PREFIX + "protocolVersion"


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the head of a POST says: whether the client takes JSON, and a stream; whether the request stands alone; and
    whose session it names."""

    accepts: tuple[bool, bool]
    alone: bool
    session: Session | None


class StreamableHttp:
    """Serves the MCP endpoint: revisions with sessions (2025-03-26 to 2025-11-25) itself, others by `stateless`."""

    def __init__(
        self,
        services: Services,
        sessions: Sessions,
        upstreams: Upstreams,
        stateless: StatelessHttp,
        session_keys: Sequence[bytes],
    ) -> None:
        self._services = services
        self._sessions = sessions
        self._upstreams = upstreams
        self._stateless = stateless
        self._event_stores = EventStores(services.limits)
        self._upgrade = StreamUpgrade(services.loop, services.limits.upgrade_seconds)
        # A session with a child of its own is where that is; the others are anywhere.
        self._ids = None if upstreams.dedicated else SessionIds(session_keys, services.limits.id_seconds)
        self._accepted: dict[bytes, tuple[bool, bool]] = {}

    def admits(self, request: Request) -> int:
        """Returns how many bytes of a body are worth reading, judged by the head alone."""
        accepts = self._accepts(request)
        if request.method != b"POST" or _fault_of_head(request) is not None or not any(accepts):
            return 0
        limits, session = self._services.limits, None
        alone, most = self._stands_alone(request), limits.message
        if not alone:
            ident = request.headers.get(b"mcp-session-id")
            if ident is None:
                most = min(limits.first_message, most)
            else:
                session = self._find(ident, request)
                if session is None:
                    return 0
        request.judged = _Judged(accepts, alone, session)
        return most

    def serve(self, request: Request) -> None:
        """Answers `request`, whose body has been read."""
        if request.method == b"POST":
            self._post(request)
        elif self._stands_alone(request):
            request.respond(405, headers=[(b"allow", b"POST")])
        elif request.method == b"GET":
            self._get(request)
        elif request.method == b"DELETE":
            session = self._session(request)
            if session is not None:
                request.respond(204)
                self._sessions.end(session)
        else:
            request.respond(405, headers=[(b"allow", b"GET, POST, DELETE")])

    def _post(self, request: Request) -> None:
        judged = request.judged
        if not isinstance(judged, _Judged):
            self._refuse_head(request)
            return
        can_json, can_stream = judged.accepts
        alone, session = judged.alone, judged.session
        if session is not None and session.closed:  # while the body was read
            session = self._session(request)
            if session is None:
                return
        try:
            posted, batch = messages.read_batch(request.body, from_client=True)
        except NotAMessage as error:
            request.respond(400, error.answer)
            return
        if alone or _MODERN_KEY in posted[0].meta:
            self._stateless.serve(request, posted, batch=batch, can_json=can_json, can_stream=can_stream)
            return
        if session is None:
            session = self._open(request, posted, batch)
        elif batch and session.revision not in BATCHES:
            _refuse(request, 400, f"revision {session.revision} does not allow batches")
            return
        if session is not None:
            session.post(request, posted, batch=batch, can_stream=can_stream, must_stream=not can_json)

    def _refuse_head(self, request: Request) -> None:
        """Says what is wrong with the head of a POST."""
        fault = _fault_of_head(request)
        if fault is not None:
            _refuse(request, *fault)
        elif not any(self._accepts(request)):
            _refuse(request, 406, "the client must accept application/json and text/event-stream")
        elif self._session(request) is not None:  # there was no room for it before its body was read
            _turn_away(request, None, "there was no room for the session; try again")

    def _get(self, request: Request) -> None:
        if not self._accepts(request)[1]:
            _refuse(request, 406, "the client must accept text/event-stream")
            return
        session = self._session(request)
        if session is not None and not session.listen(request, request.headers.get(b"last-event-id")):
            _refuse(request, 400, "the stream of this Last-Event-ID is no longer kept")

    def _stands_alone(self, request: Request) -> bool:
        """Whether the request is of a revision without sessions, or of one that nobody here knows."""
        revision = request.headers.get(b"mcp-protocol-version", b"").decode("latin-1")
        if not revision or revision in HANDSHAKE:
            return False
        session = self._find(request.headers.get(b"mcp-session-id", b""), request)
        return session is None or session.revision != revision

    def _open(self, request: Request, posted: list[Message], batch: bool) -> Session | None:
        if batch or posted[0].method != "initialize" or not posted[0].is_request:
            _refuse(request, 400, "the Mcp-Session-Id header is missing", posted)
            return None
        fault = self._upstreams.refuses(request.headers)
        if fault is not None:
            _refuse(request, 400, fault, posted)
            return None
        why = self._sessions.admit(request.client)
        if why is not None:
            _turn_away(request, posted[0].id, why)
            return None
        ident, ownership = os.urandom(16).hex(), Ownership(request.headers)
        session = self._make(request, ident, ownership)
        self._sessions.open(session, request.headers)
        return session

    def _make(
        self, request: Request, ident: str, ownership: Ownership, adopted: tuple[str, str] | None = None
    ) -> Session:
        store, ended = self._event_stores.open(), self._sessions.forget
        return Session(
            self._services, ident, ownership, request.client, store, self._upgrade, ended, self._ids, adopted
        )

    def _find(self, ident: bytes, request: Request) -> Session | None:
        """The session that `request` names, if it is open or can be opened again, and there is room for it."""
        name = ident.decode("latin-1")
        session = self._sessions.find(Session, name, request.headers)
        if session is None and (agreed := self._agreed(name, request)) is not None:
            if self._sessions.admit(request.client) is not None:
                return None
            ownership = Ownership(request.headers if agreed.owned else {})
            session = self._make(request, agreed.ident, ownership, (name, agreed.revision))
            self._sessions.open(session, request.headers, adopted=True)
            self._services.log.debug(f"session {session.tag}: adopted")
        return session

    def _agreed(self, name: str, request: Request) -> Agreed | None:
        """What was agreed in a session that is not open here, None where it cannot be opened."""
        agreed = None if self._ids is None else self._ids.read(name, request.headers)
        return agreed if agreed is not None and self._sessions.may_adopt(agreed.ident) else None

    def _session(self, request: Request) -> Session | None:
        """The session that `request` names; None after an answer that says what is wrong."""
        ident = request.headers.get(b"mcp-session-id")
        if ident is None:
            _refuse(request, 400, "the Mcp-Session-Id header is missing")
            return None
        session = self._find(ident, request)
        if session is None:
            if self._agreed(ident.decode("latin-1"), request) is not None:
                _turn_away(request, None, self._sessions.full or "there is no room for the session; try again later")
                return None
            body = messages.error(None, _UNKNOWN_SESSION, "the session is not known; initialize a new one")
            request.respond(404, body)
        return session

    def _accepts(self, request: Request) -> tuple[bool, bool]:
        """Whether the client takes JSON, and whether it takes a stream."""
        header = request.headers.get(b"accept", b"*/*")
        known = self._accepted.get(header)
        if known is None:
            types = {part.split(b";")[0].strip().lower() for part in header.split(b",")}
            known = (
                not types.isdisjoint({b"application/json", b"application/*", b"*/*"}),
                not types.isdisjoint({b"text/event-stream", b"text/*", b"*/*"}),
            )
            if len(self._accepted) < 64 and len(header) < 1024:
                self._accepted[header] = known
        return known


def _fault_of_head(request: Request) -> tuple[int, str] | None:
    """The status and the reason of what is wrong with the head of a POST."""
    if not request.headers.get(b"content-type", b"").lower().startswith(b"application/json"):
        return 415, "the body must be application/json"
    if not _REVISION.fullmatch(request.headers.get(b"mcp-protocol-version", b"x")):
        return 400, "MCP-Protocol-Version does not name a revision"
    return None


def _turn_away(request: Request, ident: messages.Id | None, why: str) -> None:
    request.respond(503, messages.error(ident, messages.SERVER_ERROR, why), headers=[(b"retry-after", b"5")])


def _ident(posted: list[Message] | None) -> messages.Id | None:
    return posted[0].id if posted is not None and len(posted) == 1 and posted[0].is_request else None


def _refuse(request: Request, status: int, why: str, posted: list[Message] | None = None) -> None:
    request.respond(status, messages.error(_ident(posted), messages.INVALID_REQUEST, why))
