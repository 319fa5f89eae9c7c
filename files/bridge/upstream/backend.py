"""Children that serve the calls of many clients: what a pool and a shared child have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.process.child import Child
    from bridge.protocol.message import Message

    from .forwarded_call import ForwardedCall
    from .handshake import Handshake
    from .upstream import Client


class CallBackend(Protocol):
    """Takes calls, and gives each of them to a child."""

    def call(self, call: ForwardedCall) -> None:
        """Sees to a call. Its client receives one answer, an error at worst."""

    def cancel(self, call: ForwardedCall, note: Message | None = None) -> None:
        """Ends a call whose answer nobody wants any more; `note` is the client's own notification of that."""

    def leave(self, client: Client) -> None:
        """Removes a client that is gone, and cancels all its calls."""


class Backend(CallBackend, Protocol):
    """Takes the calls of many clients, for as long as the bridge runs."""

    changed: Callable[[Message], None]
    """Is called with each notification that a list has changed, which concerns every client."""

    @property
    def calls_queued(self) -> int:
        """How many calls no child has got yet."""

    def join(self, client: Client) -> None:
        """Adds a client that believes the server to be ready for it, and must learn when it no longer is."""

    def when_initialized(self, callback: Callable[[Handshake | str], None]) -> None:
        """Calls `callback` with what a child said in its handshake, or with the reason why there was none."""

    @property
    def manned(self) -> bool:
        """Whether it has a child, or starts one."""

    @property
    def busy(self) -> bool:
        """Whether anybody waits for one of its children, or for what one may say."""

    used: float
    """When it has got its last call, in monotonic seconds."""

    def warm(self) -> None:
        """Makes a child ready before anybody asks."""

    async def ready(self) -> None:
        """Waits until it has a child, and starts one where there is none. Raises NoAnswer and CannotStart."""

    def adopt(self, child: Child, handshake: Handshake) -> None:
        """Takes over a child that has been spoken to in the backend's era."""

    async def check_alive(self, seconds: float) -> float | None:
        """Asks an idle child for a sign of life. Returns the seconds that it took, None where there was none to ask or
        another has to judge it. Raises Silent and Lost."""

    def rest(self) -> None:
        """Ends the idle children, though clients go on to believe in the server: the next call starts one."""

    def tick(self, now: float) -> None:
        """Does what is due. `now`: monotonic seconds; called about once a second."""

    def obstacle(self, now: float) -> str | None:
        """Returns why calls are not being served, None where they are. `now`: monotonic seconds."""

    def close(self) -> None:
        """Ends all children."""
