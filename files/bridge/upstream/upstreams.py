"""Which children serve whom: what isolation means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.process.child import CannotStart
from bridge.process.warm_children import WarmChildren

from .dedicated import DedicatedUpstream
from .multiplexed import MultiplexedUpstream
from .per_call import PerCall
from .pool import Pool
from .shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bridge.process.child import Child
    from bridge.process.launcher import Launcher
    from bridge.protocol.message import Message
    from bridge.services import Services

    from .backend import Backend
    from .rest import Rest
    from .upstream import Client, Upstream


class Upstreams:
    """Gives each session its way to the server, and calls that stand alone the children that serve them.

    `rest`: learns who uses the server. `isolation`: per_session, pooled or shared. `changed`: is called with each
    notification of a backend that a list has changed, which concerns every client.
    """

    def __init__(
        self, services: Services, launcher: Launcher, rest: Rest, isolation: str, changed: Callable[[Message], None]
    ) -> None:
        self.isolation = isolation
        self._services = services
        self._launcher = launcher
        self._changed = changed
        self._rest = rest
        self.warm_children = WarmChildren(services, launcher)
        """Those that wait for the next sessions, where each session has a child of its own."""
        self._backends: dict[tuple[bool, bool], Backend] = {}
        self._alone: set[PerCall] = set()

    @property
    def dedicated(self) -> bool:
        """Whether each session has a child of its own."""
        return self.isolation == "per_session"

    @property
    def calls_queued(self) -> int:
        """Calls that no child has got yet."""
        return sum(backend.calls_queued for backend in self._backends.values())

    @property
    def warm(self) -> int:
        """Children that wait for a session."""
        return len(self.warm_children)

    @property
    def manned(self) -> bool:
        """Whether any child serves many clients, or is started."""
        return any(backend.manned for backend in self._backends.values())

    @property
    def busy(self) -> bool:
        """Whether anybody waits for a child that serves many clients, or has one for a call."""
        return bool(self._alone) or any(backend.busy for backend in self._backends.values())

    def refuses(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Returns why a client whose request had `headers` cannot have a session; None where it can."""
        return self._launcher.refuses(headers)

    def shortage(self) -> str | None:
        """Returns why there is no room for one more session now, None where there is."""
        if not self.dedicated or self._more_warm:
            return None
        more, which = self._launcher.fits()
        return self._launcher.room.explain(which) if more == 0 else None

    def fits(self) -> int | None:
        """Returns how many more sessions there is room for; None where neither memory nor processes limit them."""
        if not self.dedicated:
            return None
        more, _ = self._launcher.fits()
        return None if more is None else more + self._more_warm

    def open(self, client: Client, tag: str, headers: Mapping[bytes, bytes], *, initialized: bool = False) -> Upstream:
        """Returns the way to the server for a session of `client`, whose first request had `headers`. `tag`: what log
        lines of a child of its own bear. `initialized`: the client will not say `initialize`, as it has done so in
        another container."""
        self._services.metrics.sessions += 1
        used = self._rest.user(headers)
        used()
        if self.dedicated:
            return DedicatedUpstream(client, lambda: self._start(tag, headers), used)
        if not self.manned:
            self.backend(modern=False).warm()
        upstream = MultiplexedUpstream(client, self.backend(modern=False), used)
        if initialized:
            upstream.join()
        return upstream

    def backend(self, *, modern: bool, listening: bool = False) -> Backend:
        """Returns the children that serve many clients' calls. `modern`: in the era of requests that stand alone.
        `listening`: for subscriptions, which last, and name themselves in all that they say."""
        shared = self.isolation == "shared"
        key = (modern, listening and not shared)
        backend = self._backends.get(key)
        if backend is None:
            kind = Shared if shared or listening else Pool
            backend = self._backends[key] = kind(self._services, self._launcher, modern=modern)
            backend.changed = self._changed
        return backend

    def alone(self, headers: Mapping[bytes, bytes]) -> PerCall | str:
        """Returns a child of its own for one request that stands alone and had `headers`, or the reason why there is
        room for none now."""
        why = self._shortage_alone()
        if why is not None:
            return why

        def begin() -> Child:
            # Calls that waited for a list of the tools begin all at once.
            why = self._shortage_alone()
            if why is not None:
                raise CannotStart(why, retryable=True)
            child = self._start("call", headers)
            self._alone.add(backend)
            return child

        backend = PerCall(begin, self._alone.discard)
        return backend

    def keep_warm(self, *, modern: bool) -> None:
        """Makes a child ready for the next client, where children serve many and there is none. `modern`: of which
        era."""
        if not self.dedicated and not self.manned:
            self.backend(modern=modern).warm()

    def watched(self, *, modern: bool) -> Backend:
        """Returns the backend whose child is asked for signs of life: one that has a child, otherwise that of the era
        `modern`."""
        return next((one for one in self._backends.values() if one.manned), None) or self.backend(modern=modern)

    def rest(self) -> None:
        """Ends all idle children of those that serve many clients."""
        for backend in self._backends.values():
            backend.rest()

    def tick(self, now: float) -> None:
        """Does what is due. `now`: monotonic seconds; called about once a second."""
        self._launcher.room.look_for_kills(now)
        for backend in self._backends.values():
            backend.tick(now)
        self._rest_all_but_one(now)

    def obstacle(self, now: float) -> str | None:
        """Returns why calls are not being served, None where they are. `now`: monotonic seconds."""
        obstacles = (backend.obstacle(now) for backend in self._backends.values())
        return next((obstacle for obstacle in obstacles if obstacle is not None), None)

    def close(self) -> None:
        """Ends all children but those of sessions, which end with them."""
        for backend in self._backends.values():
            backend.close()

    @property
    def _more_warm(self) -> int:
        """Children that wait for a session beyond the one that is watched, for which another must have room."""
        return 0 if self._launcher.personal else max(0, self.warm - 1)

    def _rest_all_but_one(self, now: float) -> None:
        """Ends the idle children that served the other era, once nobody has needed them for long."""
        manned = [backend for backend in self._backends.values() if backend.manned]
        for backend in sorted(manned, key=lambda one: one.used)[:-1]:
            if now - backend.used > self._services.limits.unneeded_seconds and not backend.busy:
                backend.rest()

    def _shortage_alone(self) -> str | None:
        if len(self._alone) >= self._services.limits.sessions:
            return f"there are {len(self._alone)} calls, each with a process of its own; try again later"
        return self.shortage()

    def _start(self, tag: str, headers: Mapping[bytes, bytes]) -> Child:
        if self._launcher.personal:
            return self._launcher.start(tag, headers)
        return self.warm_children.take(tag)
