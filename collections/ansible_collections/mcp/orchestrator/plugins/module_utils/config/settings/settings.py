# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""settings.conf: what holds for the whole installation."""

from __future__ import annotations

import configparser
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable, suggestion
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.host_path import DEFAULT_ROOTS, root
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import (
    SMALLEST_MEMORY,
    cores,
    size,
    switch,
    whole_number,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.document import read_text
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import ISOLATIONS, RESTARTS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.password import weakness
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.origin import host, origin
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.route_settings import (
    READERS as ROUTE_READERS,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.route_settings import (
    Jwt,
    Oidc,
    Routes,
    contradictions,
    read_tags,
    words,
)

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class Aws:
    """Where the load balancer is, and what this host is to it. All empty: the local ALB.

    ``listener_port`` chooses a listener of ``alb_name``; 0 is its only one. ``target_address`` belongs to
    ``target_type`` ip, ``instance_id`` to instance.
    """

    region: str = ""
    alb_arn: str = ""
    alb_name: str = ""
    listener_arn: str = ""
    listener_port: int = 0
    vpc_id: str = ""
    instance_id: str = ""
    target_type: str = "instance"
    target_address: str = ""

    @property
    def is_named(self) -> bool:
        """Whether a load balancer of AWS is named in any of the three ways."""
        return bool(self.listener_arn or self.alb_name or self.alb_arn)

    @property
    def home(self) -> str:
        """The region that is meant: the one that is written, or that of the listener; empty where neither is."""
        return self.region or (self.listener_arn.split(":")[3] if self.listener_arn else "")


@dataclass(frozen=True)
class Service:
    """How the fleet is kept: ``reconciliation_interval_seconds`` in seconds, the ports inclusive.

    ``publish_address`` is empty where it follows from the rest (``exposure``).
    ``strict`` makes unknown keys of the config errors instead of warnings. ``prune_images`` lets images go with the
    last container that used them.
    """

    fleet: str = "mcp"
    reconciliation_interval_seconds: int = 300
    port_range_start: int = 20000
    port_range_end: int = 29999
    publish_address: str = ""
    strict: bool = False
    prune_images: bool = False


@dataclass(frozen=True)
class Builds:
    """What the build of an image may take: ``memory`` in bytes, ``cpus`` in cores, ``timeout`` in seconds.

    An image is built anew when its packages are ``rebuild_after_days`` days old; 0 is never.
    """

    memory: int = 2 * 1024**3
    cpus: float = 2.0
    timeout: int = 900
    rebuild_after_days: int = 0


@dataclass(frozen=True)
class Dashboard:
    """The monitor's door. An empty password is replaced by a generated one when the monitor is installed.

    ``priority`` is that of its rule, 0 for any; ``auth`` whether the load balancer asks who it is before the monitor.
    """

    username: str = "admin"
    password: Secret = field(default_factory=lambda: Secret(""))
    path: str = "/monitor"
    priority: int = 0
    auth: str = "none"


@dataclass(frozen=True)
class Logging:
    """How much the programs say."""

    level: str = "INFO"


@dataclass(frozen=True)
class Security:
    """What servers may have that hands them more than their container, all off, and which pages may speak to them.

    ``allowed_origins`` are web origins as browsers write them, such as ``https://app.example.com``; ``allowed_hosts``
    are names under which a local load balancer on loopback is called. Paths of the host
    are had below ``host_path_roots`` alone; ``shared_volumes`` are the named volumes that several servers may have.
    ``require_digests`` refuses images, and bases of those built here, whose names may come to mean others.
    """

    allow_privileged: bool = False
    allow_docker_socket: bool = False
    allow_host_paths: bool = False
    allow_host_network: bool = False
    allow_host_namespaces: bool = False
    allow_capabilities: bool = False
    allow_devices: bool = False
    allow_security_opt: bool = False
    require_digests: bool = False
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    host_path_roots: tuple[str, ...] = DEFAULT_ROOTS
    shared_volumes: tuple[str, ...] = ()

    def allowed(self) -> frozenset[str]:
        """The keys of what entries may have that are on."""
        return frozenset(name for name, on in vars(self).items() if on is True and name.startswith("allow_"))


@dataclass(frozen=True)
class Defaults:
    """What a server gets when its entry is silent: ``memory`` in bytes, ``cpus`` in cores, time-outs in seconds."""

    memory: int = 512 * 1024**2
    cpus: float = 1.0
    pids: int = 256
    network: str | None = None
    read_only: bool = True
    init: bool = True
    isolation: str | None = None
    idle_timeout: int | None = None
    replicas: int = 1
    restart: str | None = None
    stop_timeout: int | None = None
    pull: str = "missing"
    signature_key: str | None = None


@dataclass(frozen=True)
class Settings:
    """All of settings.conf, with defaults for what it does not say.

    ``tags`` are further ones for rules and target groups; ``inputs`` are the values of an editor's ``${input:…}``,
    which nobody can be asked for here.
    """

    aws: Aws = field(default_factory=Aws)
    service: Service = field(default_factory=Service)
    builds: Builds = field(default_factory=Builds)
    dashboard: Dashboard = field(default_factory=Dashboard)
    logging: Logging = field(default_factory=Logging)
    security: Security = field(default_factory=Security)
    defaults: Defaults = field(default_factory=Defaults)
    routes: Routes = field(default_factory=Routes)
    oidc: Oidc = field(default_factory=Oidc)
    jwt: Jwt = field(default_factory=Jwt)
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Secret] = field(default_factory=dict)

    def permissions(self) -> Permissions:
        """What entries may have beyond their container."""
        security = self.security
        return Permissions(
            keys=security.allowed(),
            host_path_roots=security.host_path_roots,
            shared_volumes=frozenset(security.shared_volumes),
            fleet=self.service.fleet,
        )

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain data by section; the password, the client secret and the inputs are left out."""
        sections = {
            section: {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in vars(getattr(self, section)).items()
                if not isinstance(value, Secret)
            }
            for section in _READERS
        }
        return {**sections, "tags": dict(self.tags)}


class _Reader:
    """Reads one value after another and remembers what is wrong; a wrong value leaves its default."""

    def __init__(self, label: str, parser: configparser.ConfigParser) -> None:
        self.label = label
        self.parser = parser
        self.errors: list[ConfigError] = []

    def section(self, section: str, readers: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
        """The values that the section gives; what it leaves empty is not in the result."""
        result = {}
        for key, read in readers.items():
            text = self.parser.get(section, key, fallback="").strip()
            if not text:
                continue
            try:
                result[key] = read(text)
            except ValueError as error:
                self.error(section, key, f"'{printable(text)}' {error}")
        return result

    def error(self, section: str, key: str, message: str) -> None:
        self.errors.append(ConfigError(self.label, f"[{printable(section)}] {printable(key)}".strip(), message))


def _matching(pattern: str, meaning: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is not {meaning}")
        return text

    return read


def _number(least: int, most: int) -> Callable[[str], int]:
    return lambda text: whole_number(text, least, most)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("is not an IP address; write for example 127.0.0.1") from None


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ValueError(f"is not a level; write one of {', '.join(LEVELS)}")
    return text.upper()


def _roots(text: str) -> tuple[str, ...]:
    return () if text == "none" else words(root)(text)


def _choice(*choices: str) -> Callable[[str], str]:
    return _matching("|".join(choices), f"one of {', '.join(choices)}")


def _memory(text: str) -> int:
    number = size(text)
    if number < SMALLEST_MEMORY:
        raise ValueError("is less than 6m, the least that the engine gives")
    return number


def _monitor_path(text: str) -> str:
    path = text.rstrip("/")
    if not re.fullmatch(r"/[A-Za-z0-9/_.-]+", path) or len(path) > 64:
        raise ValueError("is not a path; write for example /monitor")
    if (path + "/").startswith("/mcp/"):
        raise ValueError("is where the servers are; write for example /monitor")
    return path


_ARN = r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:"
_READERS: dict[str, dict[str, Callable[[str], Any]]] = {
    "aws": {
        "region": _matching(r"[a-z]{2}(-[a-z]+)+-[0-9]+", "a region; write for example eu-central-1"),
        "alb_arn": _matching(_ARN + r"loadbalancer/app/[^/\s]+/[0-9a-f]+", "the ARN of an application load balancer"),
        "listener_arn": _matching(
            _ARN + r"listener/app/[^/\s]+/[0-9a-f]+/[0-9a-f]+", "the ARN of an application load balancer's listener"
        ),
        "vpc_id": _matching(r"vpc-[0-9a-f]{8,17}", "the id of a VPC; it begins with vpc-"),
        "alb_name": _matching(
            r"(?!-)[A-Za-z0-9-]{1,32}(?<!-)", "the name of a load balancer; use letters, digits and '-', at most 32"
        ),
        "listener_port": _number(1, 65535),
        "instance_id": _matching(r"i-[0-9a-f]{8,17}", "the id of an instance; it begins with i-"),
        "target_type": _choice("instance", "ip"),
        "target_address": _address,
    },
    "service": {
        "fleet": _matching(
            r"[a-z0-9][a-z0-9-]{0,31}", "the name of a fleet; use small letters, digits and '-', at most 32"
        ),
        "reconciliation_interval_seconds": _number(10, 86400),
        "port_range_start": _number(1024, 65535),
        "port_range_end": _number(1024, 65535),
        "publish_address": _address,
        "strict": switch,
        "prune_images": switch,
    },
    "builds": {
        "memory": _memory,
        "cpus": cores,
        "timeout": _number(10, 86400),
        "rebuild_after_days": _number(0, 3650),
    },
    "dashboard": {
        "username": _matching(r"[A-Za-z0-9_.@-]{1,64}", "a user name; use letters, digits and _.@-"),
        "password": Secret,
        "path": _monitor_path,
        "priority": _number(1, 50000),
        "auth": _choice("none", "oidc"),
    },
    "logging": {"level": _level},
    "security": {
        **{each.name: switch for each in fields(Security) if each.type == "bool"},
        "allowed_origins": words(origin),
        "allowed_hosts": words(host),
        "host_path_roots": _roots,
        "shared_volumes": words(_matching(r"[A-Za-z0-9][A-Za-z0-9_.-]+", "the name of a volume")),
    },
    "defaults": {
        "memory": _memory,
        "cpus": cores,
        "pids": _number(1, 4194304),
        "network": _matching(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "the name of a network"),
        "read_only": switch,
        "init": switch,
        "isolation": _choice(*ISOLATIONS),
        "idle_timeout": _number(1, 86400),
        "replicas": _number(1, 32),
        "restart": _choice(*RESTARTS),
        "stop_timeout": _number(0, 3600),
        "pull": _choice("always", "missing", "never"),
        "signature_key": _matching(r"/[\x21-\x7e]+", "the absolute path of a public key"),
    },
    **ROUTE_READERS,
}
# The sections whose keys the user chooses.
_INPUTS, _TAGS = "inputs", "tags"


def _key(name: str) -> str:
    """Keys as they are written: the ids of inputs tell capitals from small letters."""
    return name


def _parse(path: str, label: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, default_section="\0none")
    parser.optionxform = _key  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(read_text(path, label), source=label)
    except configparser.Error as error:
        raise ConfigFileError([ConfigError(label, "", _syntax(error))]) from error
    return parser


def _syntax(error: configparser.Error) -> str:
    """What is wrong, without the line itself: it may hold the password."""
    if isinstance(error, configparser.DuplicateOptionError):
        return (
            f"line {error.lineno}: '{printable(error.option)}' is set twice in [{printable(error.section)}]; keep one"
        )
    if isinstance(error, configparser.DuplicateSectionError):
        return f"line {error.lineno}: [{printable(str(error.section))}] stands twice; put its keys together"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno}: stands before any section; begin with one of [{'] ['.join(_READERS)}]"
    if isinstance(error, configparser.ParsingError) and error.errors:
        return f"line {error.errors[0][0]}: is neither a section nor 'key = value'"
    return "is not a settings file"


def _refuse_unknown(parser: configparser.ConfigParser, reader: _Reader) -> None:
    for section in parser.sections():
        if section in (_INPUTS, _TAGS):
            continue
        if section not in _READERS:
            reader.error(section, "", f"is not a section{suggestion(section, [*_READERS, _INPUTS, _TAGS])}")
            continue
        for key in parser.options(section):
            if key not in _READERS[section]:
                reader.error(section, key, f"is not a setting{suggestion(key, _READERS[section])}")


def _inputs(parser: configparser.ConfigParser) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in _free(parser, _INPUTS).items() if value}


def _free(parser: configparser.ConfigParser, section: str) -> dict[str, str]:
    return dict(parser.items(section)) if parser.has_section(section) else {}


def _judge(settings: Settings, reader: _Reader) -> None:
    """Notes what each key alone does not show."""
    if settings.service.port_range_start > settings.service.port_range_end:
        reader.error("service", "port_range_end", f"'{settings.service.port_range_end}' is below port_range_start")
    aws = settings.aws
    if aws.listener_arn and (aws.alb_name or aws.listener_port):
        other = "alb_name" if aws.alb_name else "listener_port"
        reader.error("aws", other, "says the same as listener_arn; keep one")
    elif aws.listener_port and not aws.is_named:
        reader.error("aws", "listener_port", "belongs to a load balancer; name it with alb_name")
    if aws.target_address and aws.target_type != "ip":
        reader.error("aws", "target_address", "is for target_type = ip")
    for section, key, reason in contradictions(settings.routes, settings.oidc, settings.jwt):
        reader.error(section, key, reason)
    password = settings.dashboard.password.reveal()
    if password and (reason := weakness(password, settings.dashboard.username)):
        reader.error("dashboard", "password", f"{reason}; leave it empty to have one generated, or write a longer one")
    if settings.dashboard.auth == "oidc" and not settings.oidc.issuer:
        reader.error("dashboard", "auth", "'oidc' needs the provider under [oidc]")
    for name, reason in read_tags(settings.tags):
        reader.error(_TAGS, name, reason)


def read_settings(path: str | None) -> Settings:
    """Settings from an ini file, or all defaults without one.

    Raises ConfigFileError with everything that is wrong in it.
    """
    if path is None:
        return Settings()
    label = os.path.basename(path)
    parser = _parse(path, label)
    reader = _Reader(label, parser)
    _refuse_unknown(parser, reader)
    given = {section: reader.section(section, readers) for section, readers in _READERS.items()}
    settings = Settings(
        aws=Aws(**given["aws"]),
        service=Service(**given["service"]),
        builds=Builds(**given["builds"]),
        dashboard=Dashboard(**given["dashboard"]),
        logging=Logging(**given["logging"]),
        security=Security(**given["security"]),
        defaults=Defaults(**given["defaults"]),
        routes=Routes(**given["routes"]),
        oidc=Oidc(**given["oidc"]),
        jwt=Jwt(**given["jwt"]),
        tags=_free(parser, _TAGS),
        inputs=_inputs(parser),
    )
    _judge(settings, reader)
    if reader.errors:
        raise ConfigFileError(reader.errors)
    return settings
