"""A child for one call that stands alone (isolation per_session): nobody else's, and gone with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.process.child import CannotStart, Child
from bridge.protocol.revision import SUBSCRIPTION

from .rpc_client import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.protocol.message import Message

    from .forwarded_call import ForwardedCall
    from .upstream import Client

_NO_CLIENT = "a call of this revision cannot be asked back"


class PerCall:
    """Serves one request, and the listing of tools that it may need first, by a child that it starts and ends. See
    CallBackend for what it offers.

    `start`: returns a child for the client of the request. Raises CannotStart. `ended`: is called once the child, if
    there was one, is no longer needed.
    """

    def __init__(self, start: Callable[[], Child], ended: Callable[[PerCall], None]) -> None:
        self._start = start
        self._ended = ended
        self._child: Child | None = None
        self._calls: dict[str, ForwardedCall] = {}

    def call(self, call: ForwardedCall) -> None:
        """Gives the call to the child, which is started first where there is none."""
        if self._child is None:
            try:
                child = self._child = self._start()
            except CannotStart as error:
                call.fail(str(error))
                self._ended(self)
                return
            child.on_message = self._receive
            child.on_lost = self._lose
        if self._child.send(call.line):
            self._calls[call.ident] = call
            call.sent()
        else:
            call.fail("the server does not read its input")
            self._end_unneeded()

    def cancel(self, call: ForwardedCall, note: Message | None = None) -> None:
        """Ends a call whose answer nobody wants any more, and its child."""
        if self._calls.pop(call.ident, None) is not None and self._child is not None:
            self._child.send(call.cancellation(note))
        self._end_unneeded()

    def leave(self, client: Client) -> None:
        """Cancels the calls of a client that is gone."""
        for call in list(self._calls.values()):
            if call.client is client:
                self.cancel(call)

    def _receive(self, message: Message) -> None:
        if message.is_request:
            if self._child is not None:
                self._child.send(refusal(message, _NO_CLIENT))
        elif message.is_answer:
            call = self._calls.pop(message.id, None) if isinstance(message.id, str) else None
            if call is not None:
                call.answer(message)  # whoever listed the tools makes the call itself now
                self._end_unneeded()
        else:
            self._notified(message)

    def _notified(self, message: Message) -> None:
        subscription = self._calls.get(str(message.meta.get(SUBSCRIPTION)))
        if subscription is not None:
            subscription.client.receive(subscription.restore_subscribed(message))
        elif message.method == "notifications/progress":
            call = self._calls.get(str(message.params.get("progressToken")))
            if call is not None:
                call.client.receive(call.restore_progress(message))
        else:
            for call in list(self._calls.values()):
                call.client.receive(message)

    def _lose(self, why: str) -> None:
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.fail(why)
        self._end_unneeded()

    def _end_unneeded(self) -> None:
        if not self._calls and self._child is not None:
            child, self._child = self._child, None
            child.on_message = lambda _: None
            child.on_lost = lambda _: None
            child.end()
            self._ended(self)
