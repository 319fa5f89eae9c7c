# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sections of settings.conf that say how requests come to the servers: [routes], [oidc], [jwt] and [tags]."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import switch, whole_number
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import AUTHS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

TOPOLOGIES = ("direct", "node-router")
# A rule takes five condition values in all, and the path has two of them (user guide, "Quotas for your Application
# Load Balancers").
FREE_VALUES = 3
MOST_TAGS = 40  # of 50; the others are ours


@dataclass(frozen=True)
class Routes:
    """How the load balancer treats all routes. Times are in seconds.

    ``host_header`` and ``source_ip`` are conditions that every request has to meet; ``auth`` says who has to prove
    themselves, unless a server says otherwise; ``target_tls`` is whether the load balancer speaks HTTPS to the hosts'
    routers; ``full_verification_every`` counts the reconciler's runs.
    """

    topology: str = "direct"
    target_tls: bool = False
    auth: str = "none"
    host_header: tuple[str, ...] = ()
    source_ip: tuple[str, ...] = ()
    priority_start: int = 1000
    priority_end: int = 1999
    health_interval: int = 10
    health_timeout: int = 5
    healthy_threshold: int = 2
    unhealthy_threshold: int = 2
    deregistration_delay: int = 30
    slow_start: int = 0
    stickiness: int = 0
    wait_timeout: int = 120
    full_verification_every: int = 12


@dataclass(frozen=True)
class Oidc:
    """The OpenID Connect provider that ``auth = oidc`` asks. ``session_timeout`` is in seconds."""

    issuer: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    user_info_endpoint: str = ""
    client_id: str = ""
    client_secret: Secret = field(default_factory=lambda: Secret(""))
    scope: str = "openid"
    session_timeout: int = 604800


@dataclass(frozen=True)
class Jwt:
    """The issuer whose tokens ``auth = jwt`` asks for."""

    issuer: str = ""
    jwks_endpoint: str = ""
    audience: str = ""


# What a provider cannot be asked without.
NEEDED = {
    "oidc": ("issuer", "authorization_endpoint", "token_endpoint", "user_info_endpoint", "client_id", "client_secret"),
    "jwt": ("issuer", "jwks_endpoint"),
}


def _choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return text

    return read


def _number(least: int, most: int) -> Callable[[str], int]:
    return lambda text: whole_number(text, least, most)


def _number_or_none(least: int, most: int) -> Callable[[str], int]:
    return lambda text: 0 if text == "0" else whole_number(text, least, most)


def words(read: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    """A reader of several values, apart by spaces or commas."""
    return lambda text: tuple(read(word) for word in re.split(r"[\s,]+", text.strip(", \t\n")) if word)


def host_name(text: str) -> str:
    """A host name of a condition; ``*`` and ``?`` stand for any text and any character. Raises ValueError.

    Behind the last dot there are letters only, so an address is none (API reference, HostHeaderConditionConfig).
    """
    if not re.fullmatch(r"([A-Za-z0-9*?-]+\.)+[A-Za-z*?]+", text) or len(text) > 128:
        raise ValueError("is not a host name; write for example mcp.example.com or *.example.com")
    return text.lower()


def network(text: str) -> str:
    """A source of a condition, as a CIDR block. Raises ValueError."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("is not a network; write for example 10.0.0.0/8") from None


def _url(text: str) -> str:
    if not re.fullmatch(r"https://[^\s/?#]+(/[^\s#]*)?", text):
        raise ValueError("is not an address that begins with https://")
    return text


def _word(text: str) -> str:
    if not text.isprintable() or len(text) > 1024:
        raise ValueError("is not a line of plain text")
    return text


# The ranges are those of CreateTargetGroup, ModifyTargetGroupAttributes and CreateRule (API reference).
READERS: dict[str, dict[str, Callable[[str], Any]]] = {
    "routes": {
        "topology": _choice(*TOPOLOGIES),
        "target_tls": switch,
        "auth": _choice(*AUTHS),
        "host_header": words(host_name),
        "source_ip": words(network),
        "priority_start": _number(1, 50000),
        "priority_end": _number(1, 50000),
        "health_interval": _number(5, 300),
        "health_timeout": _number(2, 120),
        "healthy_threshold": _number(2, 10),
        "unhealthy_threshold": _number(2, 10),
        "deregistration_delay": _number(0, 3600),
        "slow_start": _number_or_none(30, 900),
        "stickiness": _number_or_none(1, 604800),
        "wait_timeout": _number(1, 3600),
        "full_verification_every": _number(1, 10000),
    },
    "oidc": {
        "issuer": _url,
        "authorization_endpoint": _url,
        "token_endpoint": _url,
        "user_info_endpoint": _url,
        "client_id": _word,
        "client_secret": Secret,
        "scope": _word,
        "session_timeout": _number(1, 604800),
    },
    "jwt": {"issuer": _word, "jwks_endpoint": _url, "audience": _word},
}


def contradictions(routes: Routes, oidc: Oidc, jwt: Jwt) -> Iterator[tuple[str, str, str]]:
    """What cannot hold together: section, key, and the reason with the way out."""
    if routes.target_tls and routes.topology != "node-router":
        reason = "'true' needs topology = node-router: the ports of the servers themselves speak plain HTTP"
        yield "routes", "target_tls", reason
    if routes.priority_end < routes.priority_start:
        yield "routes", "priority_end", f"'{routes.priority_end}' is below priority_start"
    if routes.health_timeout >= routes.health_interval:
        reason = f"'{routes.health_timeout}' is not less than health_interval ({routes.health_interval})"
        yield "routes", "health_timeout", reason
    if len(routes.host_header) + len(routes.source_ip) > FREE_VALUES:
        yield (
            "routes",
            "source_ip",
            f"and host_header have more than {FREE_VALUES} values in all, the most a rule takes",
        )
    for section, provider in (("oidc", oidc), ("jwt", jwt)):
        missing = missing_keys(section, provider)
        is_begun = provider != type(provider)()
        if missing and (is_begun or routes.auth == section):
            yield section, missing[0], f"is missing; [{section}] needs {', '.join(NEEDED[section])}"


def missing_keys(section: str, provider: Oidc | Jwt) -> list[str]:
    """The keys without which a provider cannot be asked, as far as they are empty."""

    def is_empty(value: Any) -> bool:
        return not (value.reveal() if isinstance(value, Secret) else value)

    return [key for key in NEEDED[section] if is_empty(getattr(provider, key))]


def read_tags(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is wrong with further tags: the key, and why (user guide, "Tags for your Application Load Balancers")."""
    if len(given) > MOST_TAGS:
        yield "", f"has {len(given)} tags; AWS takes {MOST_TAGS} beside ours"
    for name, value in given.items():
        if name.startswith(("aws:", "mcp_")):
            yield name, "is a name that is not yours to give; take one that begins with neither aws: nor mcp_"
        elif not re.fullmatch(r"[\w .:/=+@-]{1,128}", name):
            yield name, "is not the name of a tag; use letters, digits, blanks and _.:/=+-@, at most 128"
        elif not re.fullmatch(r"[\w .:/=+@-]{0,256}", value):
            yield name, "is not the value of a tag; use letters, digits, blanks and _.:/=+-@, at most 256"
