"""A call on its way through a child that serves others, too: under an id and a progress token of the bridge's own."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import orjson

from bridge.protocol import message as messages
from bridge.protocol.json_splice import Ambiguous, find, replace
from bridge.protocol.message import Failure, Id, Message, NotAMessage
from bridge.protocol.revision import SUBSCRIPTION

if TYPE_CHECKING:
    from .upstream import Client

# At these some servers see the end of a line, although JSON allows them in a string: Node.js's readline at the first
# two, Python's str.splitlines at all. A line of the client's own making would be a message with an id of its choice.
_LINE_ENDS = ((b"\xe2\x80\xa8", rb"\u2028"), (b"\xe2\x80\xa9", rb"\u2029"), (b"\xc2\x85", rb"\u0085"))


class ForwardedCall:
    """Carries `message` of `client` to a child and what belongs to it back. Raises NotAMessage where the message says
    one thing twice."""

    __slots__ = ("_name", "client", "ident", "line", "message", "since", "token")

    def __init__(self, client: Client, message: Message) -> None:
        self.client = client
        self.message = message
        self.since = time.monotonic()
        # Nothing follows from one about another: whoever learns one knows no other.
        self.ident = os.urandom(16).hex()
        self.token: Id | None = message.meta.get("progressToken")
        new = b'"%b"' % self.ident.encode()
        try:
            span = find(message.raw, "id")
            self._name = message.raw[span[0] : span[1]]  # the client's id as it was written
            line = replace(message.raw, span, new)
            if self.token is not None:
                line = replace(line, find(line, "params", "_meta", "progressToken"), new)
        except Ambiguous as error:
            raise NotAMessage(messages.INVALID_REQUEST, str(error)) from error
        for end, escape in _LINE_ENDS:
            if end in line:
                line = line.replace(end, escape)
        self.line = line

    def sent(self) -> None:
        """Takes note that the child has got it: what is not needed for the answer is not kept."""
        self.message = self.message.shorn()
        self.line = b""

    def answer(self, answer: Message) -> None:
        """Hands the child's answer to the client, or says why it cannot be."""
        try:
            restored = self.restore(answer)
        except (KeyError, ValueError) as error:
            self.fail(f"the server's answer cannot be passed on: {error}")
        else:
            self.client.receive(restored)

    def restore(self, answer: Message) -> Message:
        """Returns the child's answer under the client's id; an error where it gives several."""
        ident = self.message.id
        if ident is None:
            raise ValueError("a notification has no answer")
        try:
            raw = replace(answer.raw, find(answer.raw, "id"), self._name)
        except Ambiguous as error:
            return Failure(ident, f"the server's answer cannot be read: {error}")
        if SUBSCRIPTION.encode() in raw:  # the result that ends a subscription names it
            raw = raw.replace(b'"%b"' % self.ident.encode(), self._name)
        return answer.renumbered(raw, ident)

    def restore_progress(self, note: Message) -> Message:
        """Returns a progress notification under the client's token."""
        span = find(note.raw, "params", "progressToken")
        raw = replace(note.raw, span, orjson.dumps(self.token))
        return messages.parse(raw)

    def restore_subscribed(self, note: Message) -> Message:
        """Returns a notification of the subscription that this call opened, under the client's id."""
        raw = replace(note.raw, find(note.raw, "params", "_meta", SUBSCRIPTION), self._name)
        return messages.parse(raw)

    def cancellation(self, note: Message | None) -> bytes:
        """Returns the notification that cancels this call at the child; `note` is the client's own, if it sent one.
        Nothing of it is passed on but its reason: it could name another call in a second place."""
        reason = None if note is None else note.params.get("reason")
        reasons = {"reason": reason.encode(errors="replace").decode()} if isinstance(reason, str) else {}
        return messages.notification("notifications/cancelled", {"requestId": self.ident, **reasons})

    def fail(self, why: str) -> None:
        """Answers the client with an error."""
        if self.message.id is not None:
            self.client.receive(messages.Failure(self.message.id, why))
