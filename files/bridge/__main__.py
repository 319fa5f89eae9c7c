"""`python -m bridge`: from the command line to a served port, and back to an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import sys
import time
from typing import Any

import uvloop

from .http.budget import Budget
from .http.connections import Connections
from .http.cors import Cors
from .http.origin_check import Guard
from .http.router import Front
from .http.server import Connection
from .limits import fitted
from .log import Log
from .options import Options, parse
from .process.child import Launcher
from .process.environment import Environment, original
from .process.memory import Memory
from .process.reaper import Reaper
from .relay import Relay
from .transport.legacy_sse import EventEndpoint
from .transport.stateless_http import Modern
from .transport.streamable_http import Endpoint
from .upstream.health import Canary, Health

# An image's STOPSIGNAL may be any of these.
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


async def serve(options: Options) -> int:
    """Serves until told to stop. Returns the exit status."""
    loop = asyncio.get_running_loop()
    log = Log(options.log_level)
    loop.set_exception_handler(lambda _, context: _report(log, context))
    limits = fitted(options.limits, Memory().limit, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    environment = Environment(original())
    if environment.personal and options.isolation != "per_session":
        log.error(f"isolation {options.isolation} cannot pass ${{header:…}} to the server; set it to per_session")
        return 2
    launcher = Launcher(loop, options.command, environment, Reaper(loop), log, limits)
    if environment.personal and not launcher.keeps_apart:
        log.warning("Landlock is not available here: a session's process can read the tokens of the others")
    health = Health()
    relay = Relay(loop, launcher, log, limits, health, isolation=options.isolation, spares=options.warm)
    endpoint = Endpoint(relay, Modern(relay, translate=options.isolation != "per_session"))
    guard = Guard(options.origins, options.hosts)
    cors = Cors(guard, environment.headers)
    connections, budget = Connections(limits), Budget(limits.bodies)
    front = Front(options.path, relay, guard, cors, endpoint, EventEndpoint(relay, options.path), connections)
    stopped: asyncio.Future[int] = loop.create_future()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, _stop, stopped, number)
    try:
        # A socket of our own: with a host name the loop would start threads to look it up.
        listener = socket.create_server((options.host, options.port), backlog=1024)
        server = await loop.create_server(lambda: Connection(front, connections, budget, limits), sock=listener)
    except OSError as error:
        log.error(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
        return 1
    log.info(f"listening on {options.host}:{options.port}{options.path}, isolation {options.isolation}")
    canary = Canary(launcher, health, log, interval=options.probe_interval, patience=options.probe_timeout)
    tasks = [loop.create_task(canary.run()), loop.create_task(_clock(relay, connections, log))]
    launcher.stop_signal = await stopped
    log.info(f"stopping on {signal.Signals(launcher.stop_signal).name}")
    server.close()
    for task in tasks:
        task.cancel()
    canary.close()
    connections.drain()
    await relay.drain()
    await _end_children(launcher)
    connections.abort()
    return 0


def _report(log: Log, context: dict[str, Any]) -> None:
    """What no other place has caught."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        log.failure(f"unexpected: {context.get('message', '')}"[:200], error)
    else:
        log.error(f"unexpected: {context.get('message', '')}"[:200])


def _stop(stopped: asyncio.Future[int], number: int) -> None:
    if not stopped.done():
        stopped.set_result(number)


async def _clock(relay: Relay, connections: Connections, log: Log) -> None:
    while True:
        await asyncio.sleep(1)
        now = time.monotonic()
        for look in (relay.tick, connections.sweep):
            try:
                look(now)
            except Exception as error:  # one fault must not end what bounds everything else
                log.failure("the clock", error)


async def _end_children(launcher: Launcher) -> None:
    for child in list(launcher.children.values()):
        child.end()
    while launcher.children:
        await asyncio.sleep(0.01)


def main() -> int:
    options = parse(sys.argv[1:])
    with contextlib.suppress(KeyboardInterrupt):
        return uvloop.run(serve(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
