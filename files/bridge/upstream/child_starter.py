"""Starts the children of a backend, up to the end of their handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.process.child import CannotStart, Child

from .handshake import Handshake, perform_handshake
from .rpc_client import Lost, NoAnswer, RpcClient
from .start_patience import StartPatience

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.process.launcher import Launcher
    from bridge.services import Services


class StartFailed(Exception):
    """The child is of no use; the text says why, and may be shown to clients."""


class ChildStarter:
    """Starts children for the backend `name`, and keeps what they say of themselves for those who ask.

    `modern`: the children are spoken to in the era of requests that stand alone, which has no handshake.
    """

    def __init__(self, services: Services, launcher: Launcher, name: str, *, modern: bool) -> None:
        self.handshake: Handshake | None = None
        """What the newest child said; None with `modern`, and before the first."""
        self.failure: CannotStart | NoAnswer | None = None
        """Why the last start failed; None where it did not."""
        self._services = services
        self._launcher = launcher
        self._name = name
        self._modern = modern
        self._patience = StartPatience(services.limits.handshake_seconds, services.limits.hung_seconds)
        self._awaiting: list[Callable[[Handshake | str], None]] = []

    async def start(self) -> Child:
        """Returns a child that is ready for calls. Raises StartFailed."""
        child: Child | None = None
        handshake: Handshake | None = None
        try:
            child = self._launcher.start(self._name)
            if not self._modern:
                handshake = await perform_handshake(RpcClient(child), self._patience.seconds, discover=False)
                self._patience.sufficed()
        except Exception as error:
            if child is not None:
                child.end()
            if isinstance(error, NoAnswer) and not isinstance(error, Lost):
                self._patience.ran_out()
            if isinstance(error, CannotStart | NoAnswer):
                self.failure = error
                raise StartFailed(str(error)) from error
            # The text of a fault of the bridge's own may quote a client.
            self._services.log.failure(f"{self._name}: the handshake with a child failed", error)
            raise StartFailed("internal error of the bridge") from error
        if child.lost is not None:
            self.failure = Lost(child.lost)
            raise StartFailed(child.lost)
        self.failure = None
        self.handshake = handshake
        return child

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for a handshake."""
        return bool(self._awaiting)

    def wait(self, callback: Callable[[Handshake | str], None]) -> None:
        """Calls `callback` at the next `announce`."""
        self._awaiting.append(callback)

    def announce(self, result: Handshake | str | None) -> None:
        """Tells all who wait: what a child said, or the reason why none did. None, with `modern`, tells nobody."""
        callbacks, self._awaiting = self._awaiting, []
        if result is not None:
            for callback in callbacks:
                callback(result)
