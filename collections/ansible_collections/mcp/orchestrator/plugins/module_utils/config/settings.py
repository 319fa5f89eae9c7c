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
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.document import read_text
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable, suggestion
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import whole_number
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secret import Secret

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class Aws:
    """Where the load balancer is. All empty: the local ALB."""

    region: str = ""
    alb_arn: str = ""
    listener_arn: str = ""
    vpc_id: str = ""
    instance_id: str = ""


@dataclass(frozen=True)
class Service:
    """How the fleet is kept: ``reconciliation_interval_seconds`` in seconds, the ports inclusive."""

    fleet: str = "mcp"
    reconciliation_interval_seconds: int = 300
    port_range_start: int = 20000
    port_range_end: int = 29999
    publish_address: str = "127.0.0.1"


@dataclass(frozen=True)
class Dashboard:
    """The monitor's door. An empty password is replaced by a generated one when the monitor is installed."""

    username: str = "admin"
    password: Secret = field(default_factory=lambda: Secret(""))
    path: str = "/monitor"


@dataclass(frozen=True)
class Logging:
    """How much the programs say."""

    level: str = "INFO"


@dataclass(frozen=True)
class Settings:
    """All of settings.conf, with defaults for what it does not say."""

    aws: Aws = field(default_factory=Aws)
    service: Service = field(default_factory=Service)
    dashboard: Dashboard = field(default_factory=Dashboard)
    logging: Logging = field(default_factory=Logging)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain data by section; the password is left out."""
        return {
            section: {
                name: value for name, value in vars(getattr(self, section)).items() if not isinstance(value, Secret)
            }
            for section in ("aws", "service", "dashboard", "logging")
        }


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
        "instance_id": _matching(r"i-[0-9a-f]{8,17}", "the id of an instance; it begins with i-"),
    },
    "service": {
        "fleet": _matching(
            r"[a-z0-9][a-z0-9-]{0,31}", "the name of a fleet; use small letters, digits and '-', at most 32"
        ),
        "reconciliation_interval_seconds": _number(10, 86400),
        "port_range_start": _number(1024, 65535),
        "port_range_end": _number(1024, 65535),
        "publish_address": _address,
    },
    "dashboard": {
        "username": _matching(r"[A-Za-z0-9_.@-]{1,64}", "a user name; use letters, digits and _.@-"),
        "password": Secret,
        "path": _monitor_path,
    },
    "logging": {"level": _level},
}


def _parse(path: str, label: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, default_section="\0none")
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
        if section not in _READERS:
            reader.error(section, "", f"is not a section{suggestion(section, _READERS)}")
            continue
        for key in parser.options(section):
            if key not in _READERS[section]:
                reader.error(section, key, f"is not a setting{suggestion(key, _READERS[section])}")


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
    if given["aws"].get("listener_arn"):
        # Behind a real ALB the requests come from the network, not from this host.
        given["service"].setdefault("publish_address", "0.0.0.0")  # noqa: S104
    settings = Settings(
        Aws(**given["aws"]), Service(**given["service"]), Dashboard(**given["dashboard"]), Logging(**given["logging"])
    )
    if settings.service.port_range_start > settings.service.port_range_end:
        reader.error("service", "port_range_end", f"'{settings.service.port_range_end}' is below port_range_start")
    if reader.errors:
        raise ConfigFileError(reader.errors)
    return settings
