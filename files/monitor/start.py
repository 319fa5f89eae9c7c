"""With what the monitor starts, and what it refuses to start with."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import pwd
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from monitor.access.auth import BasicAuth
from monitor.access.passwords import matches
from monitor.access.tokens import FILE as TOKENS_FILE
from monitor.access.tokens import Tokens
from monitor.access.users import Users, UsersUnusable
from monitor.api.login import Login
from monitor.api.rate import RateLimit
from monitor.api.registry import PATH as REGISTRY_PATH
from monitor.api.registry import registry
from monitor.api.service import Api
from monitor.api.wsgi import Called, with_api
from monitor.app import monitor_app
from monitor.client import Balancer
from monitor.server import apart, make_server, serve
from monitor.sources import Sources
from monitor.tools_handover import Handover


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
    options = _parser().parse_args(arguments)
    # The libraries keep to warnings: what they say at DEBUG is theirs to read.
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(levelname)s: %(message)s", stream=sys.stderr)
    logging.getLogger("monitor").setLevel(options.log_level)
    host, port = options.bind
    try:
        forwarding = [uid for uid in (options.balancer_user, options.manager_user) if uid is not None]
        balancer = Balancer(forwarding, tuple(options.balancer_network))
        auth = BasicAuth(Users(options.users), partial(apart, matches))
        templates = options.users.parent / "templates"
        sources = Sources(options.state, options.directory, templates, options.balancer_metrics)
        tokens = Tokens(options.users.with_name(TOKENS_FILE))
        login = Login(auth, tokens, RateLimit())
        public = options.public_registry
        api = Api(sources, login)
        tools = [Handover(api, options.manager, options.api_origin)] if options.manager else []
        apis: list[Called] = [api, Api(sources, login, registry(public), REGISTRY_PATH, public), *tools]
        pages = monitor_app(sources, options.path, auth, balancer)
        app = with_api(pages, apis, options.path, balancer, options.api_origin)
        server = make_server(app, host, port)
    except UsersUnusable as error:
        sys.exit(_complaint(str(error)))
    except OSError as error:
        sys.exit(_complaint(f"cannot listen on {host}:{port}: {os.strerror(error.errno) if error.errno else error}"))
    logging.getLogger("monitor").info("serving %s at http://%s:%d%s", options.state, host, port, options.path)
    serve(server)
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
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
    parser.add_argument("--users", type=Path, required=True, help="the file of those who may sign in")
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
    parser.add_argument(
        "--balancer-metrics",
        type=address,
        metavar="HOST:PORT",
        help="where a load balancer on this host tells what it counts",
    )
    parser.add_argument(
        "--api-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a site such as https://ops.example.com whose scripts may call the API; may be repeated",
    )
    parser.add_argument(
        "--public-registry", action="store_true", help="whether everybody may read the list of servers at PATH/v0.1"
    )
    parser.add_argument("--manager", type=Path, metavar="SOCKET", help="where the manager serves the MCP tools")
    parser.add_argument(
        "--manager-user", type=user, metavar="USER", help="the user that it runs as, which says for whom it calls"
    )
    return parser


def _complaint(text: str) -> int:
    print(f"monitor: {text}", file=sys.stderr)
    return 2
