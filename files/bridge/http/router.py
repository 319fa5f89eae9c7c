"""The bridge's URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from bridge.protocol import message as messages

from .origin_check import forwarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.relay import Relay
    from bridge.transport.legacy_sse import EventEndpoint
    from bridge.transport.streamable_http import Endpoint

    from .connections import Connections
    from .cors import Cors
    from .origin_check import Guard
    from .server import Request


class Front:
    """Finds who serves a path. Everything is reachable below the public prefix, and without it for balancers that
    take the prefix away."""

    def __init__(
        self,
        prefix: str,
        relay: Relay,
        guard: Guard,
        cors: Cors,
        endpoint: Endpoint,
        events: EventEndpoint,
        connections: Connections,
    ) -> None:
        self._relay = relay
        self._guard = guard
        self._cors = cors
        self._connections = connections
        self.common = cors.lines
        public = prefix.rstrip("/").encode()
        self._routes: dict[bytes, Callable[[Request], None]] = {}
        self._bodies: dict[bytes, Callable[[Request], int]] = {}
        for root in {public, b""}:
            for path in (b"", b"/", b"/mcp", b"/mcp/"):
                self._routes[root + path] = self._guarded(endpoint.serve)
                self._bodies[root + path] = endpoint.admits
            self._routes[root + b"/sse"] = self._guarded(events.open, bare=True)
            self._routes[root + b"/messages"] = self._guarded(events.post)
            self._bodies[root + b"/messages"] = events.admits
            self._routes[root + b"/health"] = self._health
            self._routes[root + b"/metrics"] = self._metrics

    def admits(self, request: Request) -> int:
        """How many bytes of a body are worth reading, judged by the head alone; 0 where `serve` needs none."""
        wanted = self._bodies.get(request.path)
        if wanted is None or self._guard.refuses(request) is not None:
            return 0
        try:
            return wanted(request)
        except Exception as error:  # nor would the request be served
            self._relay.log.failure("a request could not be judged", error)
            return 0

    def is_vital(self, request: Request) -> bool:
        """Whether it looks after the server: it is answered however full the bridge is."""
        return self._routes.get(request.path) == self._health

    def serve(self, request: Request) -> None:
        route = self._routes.get(request.path)
        if route is None:
            request.respond(404, b'{"error":"nothing is served at this path"}')
            return
        try:
            route(request)
        except Exception as error:
            self._relay.log.failure("a request could not be served", error)
            if request.streaming:
                request.abort()
            else:
                why = "internal error of the bridge; its log says where"
                request.respond(500, messages.error(None, messages.INTERNAL_ERROR, why))

    def _guarded(self, serve: Callable[[Request], None], *, bare: bool = False) -> Callable[[Request], None]:
        """`serve` for those whom the guard lets pass. `bare`: it does something for requests with nothing but a URL,
        such as a page can make without saying that it is one."""

        def guarded(request: Request) -> None:
            if self._cors.preflight(request):
                return
            refusal = None
            if not request.wanted:  # what has a body was let pass by its head
                refusal = self._guard.refuses(request) or (self._guard.refuses_bare(request) if bare else None)
            if refusal is None:
                serve(request)
            else:
                request.respond(403, messages.error(None, messages.INVALID_REQUEST, refusal))

        return guarded

    def _health(self, request: Request) -> None:
        if request.method not in (b"GET", b"HEAD"):
            request.respond(405, headers=[(b"allow", b"GET")])
            return
        relay = self._relay
        if not self._is_on_host(request):
            found = {"state": relay.health.state, "kind": relay.health.kind, **self._fullness()}
            self._report(request, {"state": found["state"], "kind": found["kind"]})
            return
        report: dict[str, Any] = {
            **relay.health.report(),
            **self._fullness(),
            "isolation": relay.isolation,
            "sessions": len(relay.sessions) + len(relay.event_sessions),
            "max_sessions": relay.limits.sessions,
            "calls": relay.metrics.calls.total(),
            "calls_in_flight": relay.calls_in_flight,
            "errors": relay.metrics.failed,
            "starts": relay.launcher.starts,
        }
        self._report(request, report)

    def _fullness(self) -> dict[str, str]:
        """That a new client would be turned away now, where it is so. The server works: it is not to be replaced."""
        why = self._relay.full or ("all connections are in use" if self._connections.full else None)
        if why is None or not self._relay.health.serves:
            return {}
        return {"state": "degraded", "kind": "full", "reason": f"{why}, and new clients are refused"}

    def _report(self, request: Request, report: dict[str, Any]) -> None:
        status = 200 if self._relay.health.serves else 503
        request.respond(status, orjson.dumps(report), headers=[(b"cache-control", b"no-store")])

    def _is_on_host(self, request: Request) -> bool:
        """Whether whoever asks may know how much the server is used: somebody on the host, and no page there.

        Balancers name the client they forward for, and their own health checks need the status only."""
        guard = self._guard
        return not forwarded(request) and guard.refuses(request) is None and guard.refuses_bare(request) is None

    def _metrics(self, request: Request) -> None:
        if not self._is_on_host(request):
            request.respond(404, b'{"error":"nothing is served at this path"}')
            return
        relay = self._relay
        page = relay.metrics.render(
            {
                "sessions": len(relay.sessions) + len(relay.event_sessions),
                "calls_in_flight": relay.calls_in_flight,
                "calls_queued": relay.calls_queued,
                "spares": len(relay.spares),
                "children": len(relay.launcher.children),
                "healthy": int(relay.health.serves),
            },
            {"child_starts_total": relay.launcher.starts},
        )
        request.respond(200, page, content_type=b"text/plain; version=0.0.4")
