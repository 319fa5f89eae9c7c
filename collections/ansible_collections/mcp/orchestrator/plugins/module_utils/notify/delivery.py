# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivering messages through Apprise, which knows the services. It is imported where there is something to deliver."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.news import Message

# What one address may take with all its messages, and what all may take: they are tried side by side.
SECONDS = 20.0
SHORTEST_SECRET = 6

Send = Callable[[str, Message], "str | None"]
"""Delivers a message to an address; returns None, or why it is not delivered."""


@dataclass(frozen=True)
class Outcome:
    """What came of one message at the address of this number, from 1 on; ``problem`` is None where it was delivered."""

    number: int
    message: Message
    problem: str | None


def service_of(address: str) -> str:
    """Returns what may be shown of an address: the name of its service."""
    return address.partition("://")[0][:30]


def deliver(
    waiting: Mapping[str, Sequence[Message]], done: Callable[[str, Message], None], send: Send, seconds: float = SECONDS
) -> list[Outcome]:
    """Delivers to each address its messages in their order, side by side, and returns what came of them.

    ``done`` is called in this thread with each message that an address has got. An address that does not take one is
    not asked for the next; one that is not ready in ``seconds`` is given up.
    """
    lock = threading.Lock()
    results: list[Outcome] = []

    def work(number: int, address: str, messages: Sequence[Message]) -> None:
        for message in messages:
            try:
                problem = send(address, message)
            except Exception as error:  # a service's plugin may raise anything, and the other services are to be told
                problem = f"it broke: {type(error).__name__}"
            with lock:
                results.append(Outcome(number, message, problem))
            if problem is not None:
                return

    numbered = list(enumerate(waiting.items(), 1))
    threads = [
        # A daemon: a service that never answers must not hold the process.
        threading.Thread(target=work, args=(number, address, messages), daemon=True)
        for number, (address, messages) in numbered
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    with lock:
        found = list(results)
    addresses = dict(enumerate(waiting, 1))
    for outcome in found:
        if outcome.problem is None:
            done(addresses[outcome.number], outcome.message)
    for number, (_address, messages) in numbered:
        answered = [each for each in found if each.number == number]
        if len(answered) < len(messages) and all(each.problem is None for each in answered):
            found.append(Outcome(number, messages[len(answered)], f"no answer within {seconds:g} s"))
    return sorted(found, key=lambda outcome: outcome.number)


def by_apprise(address: str, message: Message) -> str | None:
    """Delivers a message by Apprise 2. See Send."""
    try:
        apprise: Any = import_module("apprise")
    except ImportError:
        return "Apprise is not installed; run setup.sh again"
    said = _Said(address)
    logger = logging.getLogger("apprise")
    logger.propagate = False  # its lines may hold addresses
    logger.addHandler(said)
    try:
        service = apprise.Apprise()
        if not service.add(address):
            return "Apprise does not know such an address"
        # notify() returns an object of the result, whose truth is what came of it (apprise 2.3).
        if bool(service.notify(title=message.title, body=message.body)):
            return None
        return said.last or "the service did not take it"
    finally:
        logger.removeHandler(said)


class _Said(logging.Handler):
    """Keeps the last warning of this thread, unless it names a part of the address, which may be a secret."""

    def __init__(self, address: str) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self._thread = threading.get_ident()
        self._secrets = [part for part in re.split(r"[/:@?&=,]", address) if len(part) >= SHORTEST_SECRET]

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.thread == self._thread and not any(secret in text for secret in self._secrets):
            self.last = " ".join(text.split())[:200]
