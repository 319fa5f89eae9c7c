"""The command line of the control plane."""

from __future__ import annotations

import argparse
import ipaddress
import re
from pathlib import Path

from .validation.quotas import Quotas


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Returns the options; ``quotas`` are AWS's with what ``--quota`` says. Ends the process where one is not valid."""
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


def is_loopback(address: str) -> bool:
    """Returns whether an address is one that only this host can reach."""
    return ipaddress.ip_address(address).is_loopback
