"""The whole bridge, put together: what there is of each part, and what they hand one another."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .http.budget import Budget
from .http.connection import Connection
from .http.connections import Connections
from .http.cors import Cors
from .http.origin_check import OriginCheck
from .http.router import Route, Router
from .process.launcher import Launcher
from .process.reaper import Reaper
from .status import Status
from .transport.legacy_sse import LegacySse
from .transport.plain_stream import PlainStreams
from .transport.sessions import Sessions
from .transport.stateless_http import StatelessHttp
from .transport.streamable_http import StreamableHttp
from .upstream.backend_watch import BackendWatch
from .upstream.health import Health
from .upstream.health_probe import HealthProbe
from .upstream.rest import Rest
from .upstream.spare_watch import SpareWatch
from .upstream.upstreams import Upstreams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .options import Options
    from .process.environment import Environment
    from .protocol.message import Message
    from .services import Services
    from .upstream.health_probe import Watch


class Application:
    """One bridge, from its connections to the server's processes."""

    def __init__(
        self,
        services: Services,
        options: Options,
        environment: Environment,
        arguments: Sequence[str],
        session_keys: Sequence[bytes],
    ) -> None:
        """`arguments`: those of the server that nobody may read. `session_keys`: as SessionIds takes them."""
        self._services = services
        self._health = Health()
        self.launcher = Launcher(services, options.command, environment, Reaper(services.loop), arguments)
        self._rest = rest = Rest(services.limits, options.path)
        self._upstreams = upstreams = Upstreams(services, self.launcher, rest, options.isolation, self._changed)
        self._streams = PlainStreams(services.limits)
        self._sessions = Sessions(services, self._upstreams)
        self._stateless = StatelessHttp(services, self._upstreams, self._health, rest, self._streams)
        watch: Watch
        if upstreams.dedicated:
            watch = SpareWatch(services, self.launcher, upstreams.warm_children, self._health, rest)
        else:
            watch = BackendWatch(services, upstreams, self._health, rest)
        self._probe = HealthProbe(services, self.launcher, self._health, rest, watch, sessions=upstreams.dedicated)
        self._connections = Connections(services.limits)
        self._budget = Budget(services.limits.bodies)
        origin_check = OriginCheck(options.origins, options.hosts)
        self._status = Status(
            services,
            self._health,
            rest,
            self.launcher,
            self._upstreams,
            self._sessions,
            self._stateless,
            self._connections,
            origin_check,
        )
        rest.in_use = self._in_use
        cors = Cors(origin_check, environment.headers)
        self._router = Router(self._routes(options.path, session_keys), origin_check, cors, services.log)

    def connection(self) -> Connection:
        """Returns what serves a new connection."""
        return Connection(self._router, self._connections, self._budget, self._services.limits)

    async def run(self) -> None:
        """Watches the server and ends what takes too long, until it is cancelled."""
        await asyncio.gather(self._probe.run(), self._clock())

    async def stop(self) -> None:
        """Ends everything in order: calls in flight get their time, then sessions, connections and children go."""
        self._probe.close()
        self._connections.drain()
        deadline = time.monotonic() + self._services.limits.drain_seconds
        while self._status.calls_in_flight and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        self._sessions.close()
        self._stateless.close("the bridge is stopping")
        self._upstreams.close()
        await self.launcher.end_all()
        self._connections.abort()

    def _routes(self, prefix: str, session_keys: Sequence[bytes]) -> dict[bytes, Route]:
        """Everything is reachable below the public prefix, and without it for balancers that take the prefix away."""
        services, sessions, upstreams = self._services, self._sessions, self._upstreams
        mcp = StreamableHttp(services, sessions, upstreams, self._stateless, session_keys)
        legacy = LegacySse(services, sessions, upstreams, self._streams, prefix)
        found: dict[bytes, Route] = {}
        for root in {prefix.encode(), b""}:
            for path in (b"", b"/", b"/mcp", b"/mcp/"):
                found[root + path] = Route(mcp.serve, mcp.admits)
            found[root + b"/sse"] = Route(legacy.open, bare=True)
            found[root + b"/messages"] = Route(legacy.post, legacy.admits)
            found[root + b"/health"] = Route(self._status.health, checked=False, vital=True)
            found[root + b"/metrics"] = Route(self._status.metrics, checked=False)
        return found

    def _in_use(self) -> bool:
        return self._status.calls_in_flight > 0 or self._stateless.subscribed or self._upstreams.busy

    def _changed(self, message: Message) -> None:
        self._stateless.changed(message)
        self._sessions.changed(message)

    async def _clock(self) -> None:
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            for look in (
                self._sessions.tick,
                self._streams.tick,
                self._upstreams.tick,
                self._look_after_health,
                self._connections.sweep,
            ):
                try:
                    look(now)
                except Exception as error:  # one fault must not end what bounds everything else
                    self._services.log.failure("the clock", error)

    def _look_after_health(self, now: float) -> None:
        self._health.obstructed_by(self._upstreams.obstacle(now))
        if self._rest.asleep and not self._in_use():  # what a probe has started, which wakes nobody
            self._upstreams.rest()
        handshake = self._health.handshake
        if self._health.serves and not self._rest.asleep and handshake is not None:
            self._upstreams.keep_warm(modern=handshake.modern)
