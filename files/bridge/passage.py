"""A call on its way through a child that serves others, too: under an id and a progress token of the bridge's own."""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING

import orjson

from . import message as messages
from .message import Id, Message, NotAMessage
from .span import Ambiguous, find, replace

if TYPE_CHECKING:
    from .lane import Owner

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"

# Nobody can guess it: a client that hides an id from the bridge cannot make the server answer another client's call.
_SECRET = os.urandom(6).hex()
_numbers = itertools.count(1)


class Passage:
    """Carries `message` of `owner` to a child and what belongs to it back. Raises NotAMessage where the message says
    one thing twice."""

    __slots__ = ("ident", "line", "message", "owner", "since", "token")

    def __init__(self, owner: Owner, message: Message) -> None:
        self.owner = owner
        self.message = message
        self.since = time.monotonic()
        self.ident = f"{_SECRET}-{next(_numbers)}"
        self.token: Id | None = message.meta.get("progressToken")
        new = b'"%b"' % self.ident.encode()
        try:
            line = replace(message.raw, find(message.raw, "id"), new)
            if self.token is not None:
                line = replace(line, find(line, "params", "_meta", "progressToken"), new)
        except Ambiguous as error:
            raise NotAMessage(messages.INVALID_REQUEST, str(error)) from error
        self.line = line

    def restore(self, answer: Message) -> Message:
        """The child's answer under the caller's id."""
        ident = self.message.id
        if ident is None:
            raise ValueError("a notification has no answer")
        raw = replace(answer.raw, find(answer.raw, "id"), _text_of_id(self.message))
        if SUBSCRIPTION.encode() in raw:  # the result that ends a subscription names it
            raw = raw.replace(b'"%b"' % self.ident.encode(), _text_of_id(self.message))
        return answer.renumbered(raw, ident)

    def restore_progress(self, note: Message) -> Message:
        """A progress notification under the caller's token."""
        span = find(note.raw, "params", "progressToken")
        raw = replace(note.raw, span, orjson.dumps(self.token))
        return messages.parse(raw)

    def restore_subscribed(self, note: Message) -> Message:
        """A notification of the subscription that this call opened, under the caller's id."""
        raw = replace(note.raw, find(note.raw, "params", "_meta", SUBSCRIPTION), _text_of_id(self.message))
        return messages.parse(raw)

    def cancellation(self, note: Message | None) -> bytes:
        """The notification that cancels this call at the child; `note` is the caller's own, if it sent one."""
        if note is None:
            return messages.notification("notifications/cancelled", {"requestId": self.ident})
        return replace(note.raw, find(note.raw, "params", "requestId"), b'"%b"' % self.ident.encode())

    def fail(self, why: str) -> None:
        """Answers the caller with an error."""
        if self.message.id is not None:
            self.owner.receive(messages.Failure(self.message.id, why))


def _text_of_id(message: Message) -> bytes:
    start, end = find(message.raw, "id")
    return message.raw[start:end]
