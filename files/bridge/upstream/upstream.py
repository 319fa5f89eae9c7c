"""The way between one client and the server, as each side sees the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bridge.protocol.message import Message


class Client(Protocol):
    """The client's side."""

    address: str
    """Where it comes from, by which clients share what is bounded: see http/client_address.py."""

    def receive(self, message: Message) -> None:
        """Takes what the server says to this client."""

    def fail(self, why: str, *, status: int = 200, retryable: bool = False) -> None:
        """Takes note that the server will say no more to this client. `status`: the HTTP status for what still waits;
        `retryable` where trying again later may help."""


class Upstream(Protocol):
    """The server's side."""

    def send(self, message: Message) -> bool:
        """Passes a message on. Returns False where the server does not take any now."""

    def close(self) -> None:
        """Takes note that the client is gone."""

    def pause(self) -> bool:
        """Holds the server's output back because the client does not take it. Returns False where that would harm
        others."""

    def resume(self) -> None:
        """Ends a pause."""
