"""``python -m local_alb``: starts the control plane."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
import threading
import time
from functools import partial
from typing import Any

from .api.credentials import CredentialsError, read_credentials
from .api.dispatch import Api
from .api.faults import Faults
from .api.server import ControlServer
from .data_plane.certificates import Certificates
from .data_plane.health import HealthBook
from .data_plane.key_sets import KeySets
from .data_plane.keyring import keyring_of
from .data_plane.master_socket import MasterSocket
from .data_plane.plane import DataPlane
from .haproxy.exporter import counted, has_exporter
from .haproxy.handover import LONGEST_PATH, socket_of
from .haproxy.origin_check import Allowed
from .haproxy.rendering import Site
from .model.first_start import first_world
from .model.state_file import StateError, StateFile
from .model.store import Store
from .operations.context import Context
from .options import is_loopback, parse_options

log = logging.getLogger("local_alb")


class StartError(Exception):
    """The control plane cannot start; the message names the option or the file."""


def main(arguments: list[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit status: 1 where the control plane cannot start."""
    options = parse_options(arguments)
    # The libraries keep to warnings: botocore writes whole requests at DEBUG.
    logging.basicConfig(level=logging.WARNING, format="local_alb: %(levelname)s: %(message)s", stream=sys.stderr)
    log.setLevel(options.log_level)
    try:
        _check_addresses(options)
        _check_directory(options)
        read_credentials(options.credentials)
        server, plane = _assemble(options, _load(options))
    except (StartError, CredentialsError, StateError) as error:
        print(f"local_alb: {error}", file=sys.stderr)
        return 1
    _serve(server, plane)
    return 0


def _check_addresses(options: argparse.Namespace) -> None:
    if not is_loopback(options.control[0]):
        raise StartError(
            f"--control {options.control[0]} is not a loopback address; "
            "the control plane accepts callers on this host only"
        )
    if not (options.allow_remote or is_loopback(options.listener[0])):
        raise StartError(f"--listener {options.listener[0]} is not a loopback address; add --allow-remote to allow it")


def _check_directory(options: argparse.Namespace) -> None:
    excess = len(socket_of(_rendered_in(options), 65535)) - LONGEST_PATH
    if excess > 0:
        raise StartError(
            f"--directory {options.directory} is too long for the sockets in it by {excess} characters; choose another"
        )


def _load(options: argparse.Namespace) -> Store:
    directory = options.directory.resolve()
    try:
        file = StateFile(directory)
        loaded = file.load()
        world = first_world(loaded, options.listener[1], time.time(), options.listener_protocol)
        if world is not loaded:
            file.save(world)
    except OSError as error:
        raise StartError(f"{directory} cannot be written: {error.strerror}") from error
    return Store(world, file)


def _assemble(options: argparse.Namespace, store: Store) -> tuple[ControlServer, DataPlane]:
    directory, address = options.directory.resolve(), options.listener[0]
    health, certificates, key_sets = HealthBook(), Certificates(directory / "certificates"), KeySets()
    plane = DataPlane(
        store,
        health,
        MasterSocket(options.haproxy_socket.resolve()),
        _site(options),
        options.haproxy_config.resolve(),
        lambda world: keyring_of(world, certificates, key_sets),
    )

    def context(now: float) -> Context:
        return Context(
            now=now,
            health=health,
            quotas=options.quotas,
            is_port_taken=lambda port: not plane.holds(port) and _is_port_taken(address, port),
            certificates=certificates.arns,
            dns_name=address,
            page_size=options.page_size,
        )

    def status() -> dict[str, Any]:
        state = health.load_balancer_state()["Code"]
        return {"data_plane": state, "current": plane.is_current, "problem": health.problem}

    faults = Faults() if options.faults else None
    try:
        api = Api(store, context, lambda: read_credentials(options.credentials), faults)
        count = partial(counted, _rendered_in(options))
        return ControlServer(options.control, api, status, count, faults), plane
    except OSError as error:
        host, port = options.control
        raise StartError(f"{host}:{port} cannot be listened on: {error.strerror}") from error


def _site(options: argparse.Namespace) -> Site:
    address, folder = options.listener[0], _rendered_in(options)
    # Where others reach the listener it has names that are not known here, so that none can be refused.
    allowed = Allowed(tuple(options.allowed_host), tuple(options.allowed_origin)) if is_loopback(address) else None
    states, health_path = f"{folder}/server-states", options.behind_balancer or ""
    return Site(address, folder, states, health_path, allowed, has_exporter())


def _rendered_in(options: argparse.Namespace) -> str:
    return f"{options.directory.resolve()}/haproxy"


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


def _is_port_taken(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
