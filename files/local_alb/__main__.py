"""``python -m local_alb``: starts the control plane."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import re
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from .api.credentials import CredentialsError, read_credentials
from .api.dispatch import Api
from .api.faults import Faults
from .api.server import ControlServer
from .data_plane.certificates import Certificates
from .data_plane.health import HealthBook
from .data_plane.key_sets import KeySets
from .data_plane.keyring import surroundings
from .data_plane.master_socket import MasterSocket
from .data_plane.plane import DataPlane
from .haproxy.origin_check import Allowed
from .haproxy.rendering import Site, Surroundings
from .model.first_start import first_world
from .model.state_file import StateError, StateFile
from .model.store import Store
from .model.world import World
from .operations.context import Context
from .validation.quotas import Quotas

log = logging.getLogger("local_alb")


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    logging.basicConfig(level=options.log_level, format="local_alb: %(levelname)s: %(message)s", stream=sys.stderr)
    if not _is_loopback(options.control[0]):
        return _refuse(f"--control {options.control[0]} is not a loopback address; who writes rules has to be here")
    if not (options.allow_remote or _is_loopback(options.listener[0])):
        return _refuse(f"--listener {options.listener[0]} is not a loopback address; add --allow-remote if you mean it")
    try:
        read_credentials(options.credentials)
    except CredentialsError as error:
        return _refuse(str(error))
    directory = options.directory.resolve()
    try:
        file = StateFile(directory)
        loaded = file.load()
        world = first_world(loaded, options.listener[1], time.time(), options.listener_protocol)
        if world is not loaded:
            file.save(world)
    except StateError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{directory} cannot be written: {error.strerror}")
    store, health = Store(world, file), HealthBook()
    address = options.listener[0]
    states = str(directory / "haproxy" / "server-states")
    allowed = Allowed(tuple(options.allowed_host), tuple(options.allowed_origin)) if _is_loopback(address) else None
    site = Site(address, str(directory / "haproxy"), states, options.behind_balancer or "", allowed)
    master = MasterSocket(options.haproxy_socket.resolve())
    certificates, key_sets = Certificates(directory / "certificates"), KeySets()

    def around(world: World) -> Surroundings:
        return surroundings(world, certificates, key_sets)

    plane = DataPlane(store, health, master, site, options.haproxy_config.resolve(), around)

    def context(now: float) -> Context:
        return Context(
            now=now,
            health=health,
            quotas=options.quotas,
            port_taken=lambda port: not plane.holds(port) and _port_taken(address, port),
            certificates=certificates.arns,
            dns_name=address,
            page_size=options.page_size,
        )

    def status() -> dict[str, Any]:
        state = health.load_balancer_state()["Code"]
        return {"data_plane": state, "current": plane.current, "problem": health.problem}

    faults = Faults() if options.faults else None
    try:
        api = Api(store, context, lambda: read_credentials(options.credentials), faults)
        server = ControlServer(options.control, api, status, faults)
    except OSError as error:
        return _refuse(f"{options.control[0]}:{options.control[1]} cannot be listened on: {error.strerror}")
    _serve(server, plane)
    return 0


def _serve(server: ControlServer, plane: DataPlane) -> None:
    def finish(signum: int, frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    worker = threading.Thread(target=plane.run, name="data-plane")
    worker.start()
    log.info("listening on %s:%d", *server.server_address[:2])
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        plane.stop()
        worker.join()
        server.server_close()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="local_alb",
        description="A load balancer for one host: the ELBv2 API on loopback, HAProxy as its data plane.",
    )
    add = parser.add_argument
    add("--directory", type=Path, required=True, help="where the state is kept; one process may use it")
    add("--control", type=_endpoint, required=True, metavar="ADDRESS:PORT", help="where the API listens")
    add(
        "--credentials",
        type=Path,
        required=True,
        help="the file with the access key of the API's callers",
    )
    add("--listener", type=_endpoint, required=True, metavar="ADDRESS:PORT", help="where HAProxy takes requests")
    add(
        "--listener-protocol",
        choices=("HTTP", "HTTPS"),
        help="what HAProxy speaks there, HTTPS with a certificate that is made here; by default what it did before",
    )
    add("--haproxy-config", type=Path, required=True, help="the configuration file that is written for HAProxy")
    add("--haproxy-socket", type=Path, required=True, help="HAProxy's master CLI socket (haproxy -W -S)")
    add(
        "--behind-balancer",
        type=_health_path,
        metavar="HEALTH_PATH",
        help="another balancer is in front: answer its health checks there, and keep what it says of the client",
    )
    add(
        "--allowed-host",
        type=_host,
        action="append",
        default=[],
        metavar="NAME",
        help="a name, besides loopback's, under which a listener on loopback is called; * stands for any text",
    )
    add(
        "--allowed-origin",
        type=_origin,
        action="append",
        default=[],
        metavar="ORIGIN",
        help="an origin whose pages may speak to a listener on loopback from a browser",
    )
    add("--quota", type=_quota, action="append", default=[], metavar="NAME=LIMIT", help="another limit than AWS's")
    add("--page-size", type=int, default=400, choices=range(1, 401), metavar="1..400", help="largest page of an answer")
    add("--faults", action="store_true", help="serve /faults, where tests make operations fail")
    add("--allow-remote", action="store_true", help="allow a listener that is not on loopback")
    add("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    options = parser.parse_args(arguments)
    try:
        options.quotas = Quotas(dict(options.quota))
    except ValueError as error:
        parser.error(str(error))
    return options


def _endpoint(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(host)
        if not separator or not 1 <= int(port) <= 65535:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form ADDRESS:PORT") from None
    return host, int(port)


def _health_path(text: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9/_.-]+", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a path such as /router/health")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"(?=.*[A-Za-z0-9])[A-Za-z0-9.*?-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a host such as mcp.example.com or [fd00::1]")
    return text


def _origin(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]{1,260}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not an origin such as https://app.example.com")
    return text


def _quota(text: str) -> tuple[str, int]:
    name, _, limit = text.partition("=")
    if not limit.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAME=LIMIT")
    return name, int(limit)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _port_taken(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False


def _refuse(reason: str) -> int:
    print(f"local_alb: {reason}", file=sys.stderr)
    return 1


def run() -> NoReturn:
    sys.exit(main())


if __name__ == "__main__":
    run()
