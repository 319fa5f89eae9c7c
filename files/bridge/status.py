"""The pages `/health` and `/metrics`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

from .http.origin_check import forwarded
from .http.router import nothing_here

if TYPE_CHECKING:
    from .http.connections import Connections
    from .http.origin_check import OriginCheck
    from .http.request import Request
    from .process.launcher import Launcher
    from .services import Services
    from .transport.sessions import Sessions
    from .transport.stateless_http import StatelessHttp
    from .upstream.health import Health
    from .upstream.rest import Rest
    from .upstream.upstreams import Upstreams

_ENGINE_KNOWS_SECONDS = 120.0
"""For so long the engine has not forgotten what a health check said: twice its pause between two, and some more."""


class Status:
    """Says how the server and the bridge are: everything to programs on the host, little to everybody else."""

    def __init__(
        self,
        services: Services,
        health: Health,
        rest: Rest,
        launcher: Launcher,
        upstreams: Upstreams,
        sessions: Sessions,
        stateless: StatelessHttp,
        connections: Connections,
        origin_check: OriginCheck,
    ) -> None:
        self._limits = services.limits
        self._metrics = services.metrics
        self._health = health
        self._rest = rest
        self._launcher = launcher
        self._upstreams = upstreams
        self._sessions = sessions
        self._stateless = stateless
        self._connections = connections
        self._origin_check = origin_check
        self._told: float | None = None  # when a health check last told the engine that all is well

    @property
    def calls_in_flight(self) -> int:
        """Calls that have no answer yet, whatever their transport."""
        return self._sessions.calls_in_flight + self._stateless.calls_in_flight

    def health(self, request: Request) -> None:
        """Serves `/health`: the status for balancers, and as JSON the reason and numbers for programs on the host."""
        if request.method not in (b"GET", b"HEAD"):
            request.respond(405, headers=[(b"allow", b"GET")])
            return
        if not self._is_on_host(request):
            found = {"state": self._health.state, "kind": self._health.kind, **self._fullness()}
            self._report(request, {"state": found["state"], "kind": found["kind"]})
            return
        report: dict[str, Any] = {
            **self._check(request.query),
            **self._health.report(),
            **self._fullness(),
            "isolation": self._upstreams.isolation,
            "sessions": len(self._sessions),
            "max_sessions": self._limits.sessions,
            "sessions_fit": self._sessions_fit,
            "calls": self._metrics.calls,
            "calls_in_flight": self.calls_in_flight,
            "errors": self._metrics.failed,
            "starts": self._launcher.starts,
            "process_memory": self._launcher.room.need.memory,
            "process_tasks": self._launcher.room.need.tasks,
            "oom_kills": self._launcher.room.killed,
        }
        self._report(request, report)

    def _check(self, query: bytes) -> dict[str, bool]:
        """Says to the engine's health check that has just begun whether it may stay: the one before has told the engine
        not long ago that all is well."""
        now = time.monotonic()
        if query == b"checked":
            self._told = now
        if query != b"check":
            return {}
        stay = self._told is not None and now - self._told < _ENGINE_KNOWS_SECONDS
        # One that stays may have something else to tell. One that does not tells what it is told here.
        self._told = now if self._health.serves and not stay else None
        return {"stay": stay and self._health.serves}

    def metrics(self, request: Request) -> None:
        """Serves `/metrics` in Prometheus' text format, to programs on the host."""
        if not self._is_on_host(request):
            nothing_here(request)
            return
        page = self._metrics.render(
            {
                "sessions": len(self._sessions),
                "sessions_fit": self._sessions_fit,
                "calls_in_flight": self.calls_in_flight,
                "calls_queued": self._upstreams.calls_queued,
                "warm_processes": self._upstreams.warm,
                "children": self._launcher.running,
                "healthy": int(self._health.serves),
                "asleep": int(self._health.state == "asleep"),
            },
            {
                "child_starts_total": self._launcher.starts,
                "oom_kills_total": self._launcher.room.killed,
                "wakes_total": self._rest.wakes,
                "received_bytes_total": self._connections.received,
                "sent_bytes_total": self._connections.sent,
            },
        )
        request.respond(200, page, content_type=b"text/plain; version=0.0.4")

    @property
    def _sessions_fit(self) -> int:
        """How many sessions there is room for, with those that are open."""
        more = self._upstreams.fits()
        return self._limits.sessions if more is None else min(self._limits.sessions, len(self._sessions) + more)

    def _fullness(self) -> dict[str, str]:
        """That a new client would be turned away now, or that memory ran out lately, where it is so. The server works:
        it is not to be replaced."""
        why = self._sessions.full or ("all connections are in use" if self._connections.full else None)
        if not self._health.serves or self._health.state == "asleep":
            return {}
        if why is None:
            killing = self._launcher.room.killing(self._limits.oom_told_seconds, time.monotonic())
            return {} if killing is None else {"state": "degraded", "kind": "memory", "reason": killing}
        return {"state": "degraded", "kind": "full", "reason": f"{why}, and new clients are refused"}

    def _report(self, request: Request, report: dict[str, Any]) -> None:
        status = 200 if self._health.serves else 503
        request.respond(status, orjson.dumps(report), headers=[(b"cache-control", b"no-store")])

    def _is_on_host(self, request: Request) -> bool:
        """Whether whoever asks may know how much the server is used: somebody on the host, and no page there.

        Balancers name the client they forward for, and their own health checks need the status only."""
        check = self._origin_check
        return not forwarded(request) and check.refuses(request) is None and check.refuses_bare(request) is None
