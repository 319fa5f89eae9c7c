# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[oidc] and [jwt]: who proves to the load balancer who is calling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import (
    https_url,
    line,
    matching,
    number,
    secret,
)

# RFC 6749, section 3.3: no quotation mark and no backslash, so that it can stand in a header's parameter.
_SCOPES = r"([!#-[\]-~]+( [!#-[\]-~]+)*)?"


@dataclass(frozen=True)
class Oidc:
    """The OpenID Connect provider that ``auth = oidc`` asks. ``session_timeout`` is in seconds."""

    issuer: str = setting("", https_url, "The OpenID Connect provider that auth = oidc asks.")
    authorization_endpoint: str = setting("", https_url, "Where users are sent to sign in.")
    token_endpoint: str = setting("", https_url, "Where the load balancer gets tokens.")
    user_info_endpoint: str = setting("", https_url, "Where it asks who the user is.")
    client_id: str = setting("", line, "The load balancer's name at the provider.")
    client_secret: Secret = setting(Secret(""), secret, "Its password there.")  # noqa: RUF009 - no instance changes it
    scope: str = setting("openid", line, "What it asks the provider for.")
    session_timeout: int = setting(604800, number(1, 604800), "Seconds after which a user signs in again.")


@dataclass(frozen=True)
class Jwt:
    """The issuer whose tokens ``auth = jwt`` asks for."""

    issuer: str = setting("", line, "The issuer whose tokens auth = jwt asks for.")
    jwks_endpoint: str = setting("", https_url, "Where the issuer's public keys are.")
    audience: str = setting(
        "",
        line,
        "The audience that the tokens must have. {path} stands for the server's own path, as in"
        " https://mcp.example.com{path}: then a token is good for the one server that it was made for.",
        empty="anybody",
    )
    scope: str = setting(
        "",
        matching(_SCOPES, "a list of scopes; write for example mcp offline_access"),
        "What clients that log in are told to ask the issuer for. It is not checked.",
        empty="each client decides",
    )


# What a provider cannot be asked without, by section.
_NEEDED = {
    "oidc": ("issuer", "authorization_endpoint", "token_endpoint", "user_info_endpoint", "client_id", "client_secret"),
    "jwt": ("issuer", "jwks_endpoint"),
}


def missing_keys(section: str, provider: Oidc | Jwt) -> list[str]:
    """Returns the keys of ``section`` that are empty and without which the provider cannot be asked."""

    def is_empty(value: Any) -> bool:
        return not (value.reveal() if isinstance(value, Secret) else value)

    return [key for key in _NEEDED[section] if is_empty(getattr(provider, key))]


def incomplete(section: str, provider: Oidc | Jwt, *, is_used: bool) -> Iterator[tuple[str, str]]:
    """Yields the first key that a provider lacks and the reason, where the section is begun or ``is_used``."""
    missing = missing_keys(section, provider)
    if missing and (is_used or provider != type(provider)()):
        yield missing[0], f"is missing; [{section}] needs {', '.join(_NEEDED[section])}"
