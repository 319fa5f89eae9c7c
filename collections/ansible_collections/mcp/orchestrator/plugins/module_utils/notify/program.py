# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells people what a run has found: python -m ansible_collections.….notify.program --settings … --state … --memory …

It runs after a run, in a process of its own, and changes nothing but its own file. Whatever goes wrong with a service
disturbs nobody: the message waits for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import FileNotWritten
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver, boto3_client
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.variables import resolve_variables
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings, read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.delivery import (
    Outcome,
    Send,
    by_apprise,
    deliver,
    service_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.news import RUN, Message, news_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.outbox import Outbox, read_outbox, writer_of

LARGEST_FILE = 32 * 1024 * 1024


class NotTold(Exception):
    """Nobody can be told; the message says why and what to do."""


def addresses_of(settings: Settings) -> list[str]:
    """Returns the addresses of [notify] with the values of their references. Raises NotTold."""
    words = settings.notify.urls.reveal().split()
    written = {"[notify]": {f"urls, word {number}": Secret(word) for number, word in enumerate(words, 1)}}
    resolver = Resolver(inputs=settings.inputs, client=boto3_client(settings.aws.effective_region))
    values, problems = resolve_variables(written, {"[notify]": ()}, resolver)["[notify]"]
    if problems:
        raise NotTold("; ".join(f"[notify] {place}: {reason}" for place, reason in problems.items()))
    # What a reference stands for may be several addresses, one a line, with remarks.
    lines = [line for value in values.values() for line in value.reveal().splitlines()]
    return list(dict.fromkeys(word for line in lines if not line.lstrip().startswith("#") for word in line.split()))


def tell(options: argparse.Namespace, send: Send = by_apprise) -> list[str]:
    """Tells what is new, and what has been waiting; returns lines about what came of it. Raises NotTold."""
    settings = _settings(options.settings)
    addresses = addresses_of(settings)
    if not addresses:
        return []
    state = _json(options.state)
    box, now = read_outbox(options.memory), time.time()
    write = writer_of(options.memory)
    lost = box.drop(addresses, now)
    lines = [f"{lost} messages are dropped: nobody took them for a day"] if lost else []
    if isinstance(state, dict):
        _look(box, state, options, addresses, now)
    elif not os.path.exists(options.state):
        lines.append(f"{options.state} is missing: no run has ended yet")
    try:
        write(box)  # before anything is sent: what cannot be noted would be told by every run
        waiting = {address: messages for address in addresses if (messages := box.waiting(address))}

        def done(address: str, message: Message) -> None:
            box.delivered(message, address)
            write(box)

        outcomes = deliver(waiting, done, send)
    except FileNotWritten as error:
        raise NotTold(str(error)) from error
    return lines + [_line(each, list(waiting)) for each in outcomes]


def try_all(options: argparse.Namespace, send: Send = by_apprise) -> tuple[list[str], bool]:
    """Sends a test message to every address; returns a line for each, and whether all got it. Raises NotTold."""
    addresses = addresses_of(_settings(options.settings))
    if not addresses:
        raise NotTold(f"{options.settings}: [notify] urls is empty, so that nobody is told")
    state = _json(options.state)
    link = str(state["monitor"]) if isinstance(state, dict) and state.get("monitor") else ""
    body = "This is a test: messages about the fleet arrive here."
    message = Message(f"MCP fleet on {socket.gethostname()}: a test", "\n".join(filter(None, (body, link))))
    outcomes = deliver({address: [message] for address in addresses}, lambda _address, _message: None, send)
    lines = [_line(each, addresses) for each in outcomes]
    return lines, all(each.problem is None for each in outcomes)


def _look(
    box: Outbox, state: Mapping[str, Any], options: argparse.Namespace, addresses: Sequence[str], now: float
) -> None:
    """Takes into the outbox what the report of the last run has that was not told."""
    unreported = _unreported(box, state, options.ended)
    samples = _json(options.samples)
    servers = samples.get("servers") if isinstance(samples, dict) else None
    near = {
        str(name): found
        for name, each in (servers if isinstance(servers, dict) else {}).items()
        if isinstance(each, dict) and isinstance(found := each.get("near_limit"), list)
    }
    try:
        message, told = news_of(state, near, box.told, host=socket.gethostname(), unreported=unreported)
    except (KeyError, TypeError, AttributeError):
        return  # the state of another release; the next run replaces it
    box.told, box.run = told, str(state["run"]["id"])
    if message is not None:
        box.add(message, addresses, now)


def _unreported(box: Outbox, state: Mapping[str, Any], ended: str | None) -> str | None:
    """How the last run ended, where it did so without its report: the unit notes each end with its result."""
    try:
        if ended is None:
            return None
        at = os.stat(ended).st_mtime
        with open(ended, encoding="ascii", errors="replace") as file:
            result = file.read(64).strip()
    except OSError:
        return None
    is_new, box.ended = at != box.ended, at
    if state["run"]["id"] != box.run:
        return None
    if is_new and result != "success":
        return result
    return "as before" if box.told.get(RUN) == "unreported" else None


def _line(outcome: Outcome, addresses: Sequence[str]) -> str:
    where = f"{service_of(addresses[outcome.number - 1])} (address {outcome.number})"
    return f"{where}: {'delivered' if outcome.problem is None else f'not delivered: {outcome.problem}'}"


def _settings(path: str) -> Settings:
    try:
        return read_settings(path)
    except ConfigFileError as error:
        raise NotTold(f"the settings cannot be read: {error}") from error


def _json(path: str | None) -> Any:
    try:
        with open(path or os.devnull, "rb") as file:
            return json.loads(file.read(LARGEST_FILE))
    except (OSError, ValueError, RecursionError):
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Tells what is new and returns 0; with --test tries all addresses and returns 1 where one was not reached."""
    parser = argparse.ArgumentParser(prog="notify", description="Tells people what a run has found.")
    parser.add_argument("--settings", required=True, help="settings.conf")
    parser.add_argument("--state", required=True, help="the state file")
    parser.add_argument("--memory", help="the file of what was told and of what waits; root's alone")
    parser.add_argument("--samples", help="the newest samples, for limits that servers stay near")
    parser.add_argument("--ended", help="the file in which the unit of the runs notes how the last one ended")
    parser.add_argument("--test", action="store_true", help="send a test message to every address")
    options = parser.parse_args(arguments)
    try:
        lines, reached = try_all(options) if options.test else (tell(options), True)
    except NotTold as error:
        sys.stderr.write(f"notify: {error}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0 if reached else 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread that still waits for a service must not hold the process
