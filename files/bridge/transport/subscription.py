"""A client of revision 2026-07-28 that listens for changes, in front of a server that knows no such request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.protocol import message as messages
from bridge.protocol.revision import SUBSCRIPTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.http.request import Request
    from bridge.protocol.message import Message

    from .plain_stream import PlainStreams

_LISTS = ("tools", "prompts", "resources")


class Subscription:
    """Tells its client that lists have changed. `message`: the `subscriptions/listen` that `request` carried. `ended`:
    is called once, at its end."""

    def __init__(
        self, request: Request, message: Message, streams: PlainStreams, ended: Callable[[Subscription], None]
    ) -> None:
        wanted = message.params.get("notifications")
        wanted = wanted if isinstance(wanted, dict) else {}
        kinds = [kind for kind in _LISTS if wanted.get(f"{kind}ListChanged")]
        self._methods = {f"notifications/{kind}/list_changed" for kind in kinds}
        self._meta = {SUBSCRIPTION: message.id}
        self._ended = ended
        self._stream = streams.open(self._left)
        self._stream.attach(request)
        agreed = {f"{kind}ListChanged": True for kind in kinds}
        self._tell("notifications/subscriptions/acknowledged", {"notifications": agreed})

    def changed(self, message: Message) -> None:
        """Tells the client that a list has changed, if it listens for that one."""
        if message.method in self._methods:
            self._tell(message.method, {})

    def close(self) -> None:
        """Ends the subscription."""
        self._stream.finish()
        self._left()

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._stream.send(messages.notification(method, {"_meta": self._meta, **params}))

    def _left(self) -> None:
        self._ended(self)
