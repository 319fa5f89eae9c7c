"""A share in a backend's children, which have long been initialized when a client says `initialize`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bridge.protocol import message as messages
from bridge.protocol.json_splice import find, replace
from bridge.protocol.message import Id, Message, NotAMessage
from bridge.protocol.revision import HANDSHAKE

from .forwarded_call import ForwardedCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from .backend import Backend
    from .handshake import Handshake
    from .upstream import Client


class MultiplexedUpstream:
    """Makes each request of one client a call of the backend. To the backend it is the client of these calls.
    `used`: is called with each message of the client, and each answer to it."""

    def __init__(self, client: Client, backend: Backend, used: Callable[[], None]) -> None:
        self.address = client.address
        self._client = client
        self._backend = backend
        self._used = used
        self._calls: dict[Id, ForwardedCall] = {}
        self._closed = False

    def join(self) -> None:
        """Makes the client one of the backend's, as `initialize` does."""
        self._backend.join(self)

    def send(self, message: Message) -> bool:
        """Passes requests and cancellations on. Any other notification is about this client, of which the children
        know nothing."""
        self._used()
        if message.is_request:
            self._call(message)
        elif message.method == "notifications/cancelled":
            call = self._calls.pop(message.params.get("requestId", ""), None)
            if call is not None:
                self._backend.cancel(call, message)
        return True

    def close(self) -> None:
        """Cancels the client's calls."""
        self._closed = True
        self._backend.leave(self)

    def pause(self) -> bool:
        """Refuses: the output is that of others, too."""
        return False

    def resume(self) -> None:
        """Does nothing: there was no pause."""

    # as the client of its calls

    def receive(self, message: Message) -> None:
        """Passes on what the backend's children say to this client."""
        if message.is_answer and message.id is not None:
            self._used()
            self._calls.pop(message.id, None)
        self._client.receive(message)

    def fail(self, why: str, *, status: int = 200, retryable: bool = False) -> None:
        """Passes on that the server is lost."""
        self._client.fail(why, status=status, retryable=retryable)

    # inside

    def _call(self, message: Message) -> None:
        if message.id is None:
            return
        if message.method == "initialize":
            self._backend.when_initialized(lambda handshake: self._initialize(message, handshake))
            return
        try:
            call = self._calls[message.id] = ForwardedCall(self, message)
        except NotAMessage as error:
            self._client.receive(messages.parse(messages.error(message.id, error.code, str(error))))
            return
        self._backend.call(call)

    def _initialize(self, message: Message, handshake: Handshake | str) -> None:
        if self._closed or message.id is None:
            return
        if isinstance(handshake, str):
            self._client.receive(messages.Failure(message.id, handshake))
            return
        try:
            answer = initialized(message, handshake)
        except (KeyError, ValueError) as error:
            answer = messages.Failure(message.id, f"the server's answer to initialize cannot be passed on: {error}")
        self.join()
        self._client.receive(answer)


def initialized(asked: Message, handshake: Handshake) -> Message:
    """Returns the answer to a client's `initialize`, in the words of a child that has been initialized already. The
    client's revision stands where it is one that the child's includes. Raises KeyError and ValueError."""
    wanted = asked.params.get("protocolVersion")
    agreed = wanted if wanted in HANDSHAKE and wanted <= handshake.revision else handshake.revision
    raw = handshake.answer.raw
    raw = replace(raw, find(raw, "result", "protocolVersion"), orjson.dumps(agreed))
    start, end = find(asked.raw, "id")
    raw = replace(raw, find(raw, "id"), asked.raw[start:end])
    return messages.parse(raw)
