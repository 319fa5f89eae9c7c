"""From the command line to a served port, and back to an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
from typing import TYPE_CHECKING, Any

from uvloop.loop import Loop

from .application import Application
from .call_record import CallRecord
from .limits import fitted
from .log import Log
from .metrics import Metrics
from .process.environment import Environment, original, without_arguments, without_session_keys
from .process.memory import Memory
from .services import Services

if TYPE_CHECKING:
    from .options import Options

# An image's STOPSIGNAL may be any of these.
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


async def serve(options: Options) -> int:
    """Serves until a signal says to stop. Returns the exit status."""
    loop = asyncio.get_running_loop()
    log = Log(options.log_level)
    loop.set_exception_handler(lambda _, context: _report(log, context))
    limits = fitted(options.limits, Memory().limit, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    try:
        variables, keys = without_session_keys(original())
        variables, arguments = without_arguments(variables, options.secret_args)
    except KeyError as missing:
        log.error(f"the variable {missing.args[0]} is missing: it holds an argument of the server")
        return 2
    except ValueError:  # the error of bytes.fromhex says where, and shows nothing
        log.error("MCP_BRIDGE_SESSION_KEYS must hold keys of 16 bytes or more, in hexadecimal digits")
        return 2
    environment = Environment(variables)
    if environment.personal and options.isolation != "per_session":
        log.error(f"isolation {options.isolation} cannot pass ${{header:…}} to the server; set it to per_session")
        return 2
    # Without a key of the fleet's, sessions are known here only.
    keys = keys or [os.urandom(32)]
    calls = CallRecord(loop, log, options.call_record)
    application = Application(Services(loop, log, limits, Metrics(), calls), options, environment, arguments, keys)
    if environment.personal and not application.launcher.keeps_apart:
        log.warning("Landlock is not available here: a session's process can read the tokens of the others")
    stopped: asyncio.Future[int] = loop.create_future()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, _stop, stopped, number)
    try:
        # A socket of our own: with a host name the loop would start threads to look it up.
        listener = socket.create_server((options.host, options.port), backlog=1024)
        server = await loop.create_server(application.connection, sock=listener)
    except OSError as error:
        log.error(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
        return 1
    log.info(f"listening on {options.host}:{options.port}{options.path}, isolation {options.isolation}")
    running = loop.create_task(application.run())
    application.launcher.stop_signal = await stopped
    log.info(f"stopping on {signal.Signals(application.launcher.stop_signal).name}")
    server.close()
    running.cancel()
    await application.stop()
    calls.flush()
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


def _new_loop() -> asyncio.AbstractEventLoop:
    return Loop()  # type: ignore[return-value]  # it has all that is asked of one


def main(options: Options) -> int:
    """Serves until a signal says to stop. Returns the exit status."""
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(serve(options))
    return 0
