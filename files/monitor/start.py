"""With what the monitor starts, and what it refuses to start with."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import pwd
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from monitor.access.auth import BasicAuth
from monitor.app import monitor_app
from monitor.client import Balancer
from monitor.server import make_server, serve
from monitor.sources import Sources


class PasswordUnusable(Exception):
    """The password file cannot be used; the message says why and what to do."""


def read_password(path: Path) -> str:
    """The password in the file, without the newline at its end; raises PasswordUnusable."""
    try:
        if path.stat().st_mode & 0o004:
            raise PasswordUnusable(f"{path} can be read by every user; run: chmod 640 {path}")
        password = path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise PasswordUnusable(
            f"{path} cannot be read: {error.strerror}; the monitor does not start without"
        ) from error
    except UnicodeDecodeError as error:
        raise PasswordUnusable(f"{path} is not text in UTF-8; write the password into it") from error
    if not password.strip():
        raise PasswordUnusable(f"{path} is empty; write the password into it")
    return password


def address(text: str) -> tuple[str, int]:
    """Host and port of host:port or [host]:port; raises ValueError."""
    host, _, port = text.rpartition(":")
    if not host or not 0 <= int(port) <= 65535:
        raise ValueError(text)
    return host.removeprefix("[").removesuffix("]"), int(port)


def user(text: str) -> int:
    """The uid of a user of this host; raises ValueError."""
    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError:
        raise ValueError(text) from None


def public_path(text: str) -> str:
    """A path that begins with a slash; raises ValueError."""
    if not text.startswith("/") or any(character in text for character in "<>:?#{}\\ "):
        raise ValueError(text)
    return text


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve until SIGTERM. Exits 2 when it cannot start, with one line that says why."""
    parser = argparse.ArgumentParser(prog="python -m monitor", description="Serves the state file to people.")
    parser.add_argument("--state", type=Path, required=True, help="the state file")
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path("/var/lib/mcp-orchestrator"),
        help="where history, samples, logs, calls, requests and their answers are",
    )
    parser.add_argument("--bind", type=address, default="127.0.0.1:8482", metavar="HOST:PORT")
    parser.add_argument("--path", type=public_path, default="/monitor", help="its path behind the load balancer")
    parser.add_argument("--username", default="admin")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    parser.add_argument(
        "--balancer-user", type=user, metavar="USER", help="the user that a load balancer on this host runs as"
    )
    parser.add_argument(
        "--balancer-network",
        type=ipaddress.ip_network,
        action="append",
        default=[],
        metavar="NETWORK",
        help="the network of a load balancer elsewhere; may be repeated",
    )
    options = parser.parse_args(arguments)
    # The libraries keep to warnings: what they say at DEBUG is theirs to read.
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(levelname)s: %(message)s", stream=sys.stderr)
    logging.getLogger("monitor").setLevel(options.log_level)
    host, port = options.bind
    try:
        balancer = Balancer(options.balancer_user, tuple(options.balancer_network))
        auth = BasicAuth(options.username, read_password(options.password_file))
        app = monitor_app(Sources(options.state, options.directory), options.path, auth, balancer)
        server = make_server(app, host, port)
    except PasswordUnusable as error:
        sys.exit(_complaint(str(error)))
    except OSError as error:
        sys.exit(_complaint(f"cannot listen on {host}:{port}: {os.strerror(error.errno) if error.errno else error}"))
    logging.getLogger("monitor").info("serving %s at http://%s:%d%s", options.state, host, port, options.path)
    serve(server)
    sys.exit(0)


def _complaint(text: str) -> int:
    print(f"monitor: {text}", file=sys.stderr)
    return 2
