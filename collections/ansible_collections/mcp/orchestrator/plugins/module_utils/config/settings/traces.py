# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[traces]: where spans of the calls go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import (
    InvalidReference,
    references_in,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import Reader, setting

_OF_THIS_HOST = ("localhost", "127.0.0.1", "::1")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token (RFC 9110, 5.6.2)


def _endpoint(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+/[^\s?#]*", text):
        raise ValueError("is not an address with its path; write for example http://127.0.0.1:4318/v1/traces")
    try:
        named = urlsplit(text).hostname, urlsplit(text).port
    except ValueError as error:
        raise ValueError(f"is not an address: {error}") from None
    if not named[0]:
        raise ValueError("names no host; write for example http://127.0.0.1:4318/v1/traces")
    return text


endpoint = Reader(_endpoint, "an address with its path, for example http://127.0.0.1:4318/v1/traces")


@dataclass(frozen=True)
class Traces:
    """Where spans go: ``endpoint`` is an OTLP/HTTP receiver's address, ``headers`` are those of each request to it as
    ``NAME=VALUE``, separated by commas."""

    endpoint: str = setting(
        "",
        endpoint,
        "Where a span of each call of a stdio server is sent, by OTLP over HTTP: the address of an OpenTelemetry"
        " collector or of whoever else takes them. This host sends them, so that no server needs a way to it. A change"
        " needs setup.sh; the first one, and the last, start new containers of stdio servers.",
        empty="no spans",
    )
    headers: Secret = setting(  # noqa: RUF009 - no instance changes it
        Secret(""),
        Reader(Secret, "NAME=VALUE, separated by commas"),
        "Headers of each request to it. A value may have references, as in Authorization=Bearer ${ssm:/otel/token};"
        " setup.sh looks them up.",
        empty="none",
    )

    def header_values(self) -> Mapping[str, Secret]:
        """Returns the headers by name, with their references. Raises ValueError, which shows no value."""
        found: dict[str, Secret] = {}
        for number, word in enumerate(filter(None, (each.strip() for each in self.headers.reveal().split(","))), 1):
            name, equals, value = (part.strip() for part in word.partition("="))
            if not equals or not value or not _HEADER_NAME.fullmatch(name):
                example = "Authorization=Bearer ${file:/path}"
                raise ValueError(f"header {number} is not NAME=VALUE; write for example {example}")
            if name.lower() in (each.lower() for each in found):
                raise ValueError(f"header {name} is there twice")
            found[name] = Secret(value)
        return found

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yields what cannot be sent, and what would be sent for all to read."""
        address = urlsplit(self.endpoint)
        if "@" in address.netloc:  # not among what the reader refuses, which would show it
            yield "endpoint", "has a user in it; write what it is to show into headers"
        try:
            for name, value in self.header_values().items():
                try:
                    list(references_in(value.reveal()))
                except InvalidReference as error:
                    yield "headers", f"header {name}: {error}"
        except ValueError as error:
            yield "headers", str(error)
            return
        if not self.headers.reveal().strip():
            return
        if not self.endpoint:
            yield "headers", "are of no use without endpoint"
            return
        if address.scheme == "http" and address.hostname not in _OF_THIS_HOST:
            yield "endpoint", "would send the headers for all to read; use https://, or a collector on this host"
