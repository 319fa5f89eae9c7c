# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was told, and the messages that are still to be delivered, in one file that is replaced in one step.

So a message is neither lost nor written twice, whenever the process ends; one that a service has taken in the moment
of a crash may come a second time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import OWNER_ONLY, write_json
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.news import Message, Told

VERSION = 1
MOST_MESSAGES = 20
# A service that has been gone for a day is told of what is new then.
LONGEST_WAIT = 24 * 3600


@dataclass(frozen=True)
class Pending:
    """A message that some addresses have not got. ``left`` are their keys (``key_of``), ``made`` is in seconds."""

    message: Message
    left: tuple[str, ...]
    made: float


@dataclass
class Outbox:
    """What was told by subject, the run and its end that were looked at last, and what is to be delivered."""

    told: Told = field(default_factory=dict)
    run: str = ""
    ended: float = 0
    pending: list[Pending] = field(default_factory=list)

    def add(self, message: Message, addresses: Sequence[str], now: float) -> None:
        """Takes a message for all addresses; the oldest goes where there are too many."""
        self.pending.append(Pending(message, tuple(key_of(each) for each in addresses), now))
        self.pending = self.pending[-MOST_MESSAGES:]

    def drop(self, addresses: Sequence[str], now: float) -> int:
        """Forgets what is too old, and addresses that are no longer in the settings; returns how many messages went."""
        known = {key_of(each) for each in addresses}
        young = [each for each in self.pending if 0 <= now - each.made <= LONGEST_WAIT]
        lost = len(self.pending) - len(young)
        kept = [Pending(each.message, tuple(key for key in each.left if key in known), each.made) for each in young]
        self.pending = [each for each in kept if each.left]
        return lost

    def delivered(self, message: Message, address: str) -> None:
        """Notes that an address has got a message."""
        key = key_of(address)
        shorter = [
            Pending(each.message, tuple(left for left in each.left if left != key), each.made)
            if each.message == message
            else each
            for each in self.pending
        ]
        self.pending = [each for each in shorter if each.left]

    def waiting(self, address: str) -> list[Message]:
        """Returns the messages that an address has not got, the oldest first."""
        key = key_of(address)
        return [each.message for each in self.pending if key in each.left]


def key_of(address: str) -> str:
    """Returns what an address is called in the file, which does not give it away."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_outbox(path: str) -> Outbox:
    """Returns what the file holds; an empty outbox where it cannot be read, which tells again what is wrong now."""
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read())
        if document["version"] != VERSION:
            return Outbox()
        pending = [
            Pending(Message(str(each["title"]), str(each["body"])), tuple(map(str, each["left"])), float(each["made"]))
            for each in document["pending"][-MOST_MESSAGES:]
        ]
        told = {str(subject): str(trouble) for subject, trouble in document["told"].items()}
        return Outbox(told, str(document["run"]), float(document["ended"]), pending)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Outbox()


def writer_of(path: str) -> Callable[[Outbox], None]:
    """Returns a function that writes an outbox into the file. It raises FileNotWritten."""

    def write(outbox: Outbox) -> None:
        pending: list[dict[str, Any]] = [
            {"title": each.message.title, "body": each.message.body, "left": list(each.left), "made": each.made}
            for each in outbox.pending
        ]
        head = {"version": VERSION, "run": outbox.run, "ended": outbox.ended, "told": outbox.told}
        write_json(path, {**head, "pending": pending}, OWNER_ONLY)

    return write
