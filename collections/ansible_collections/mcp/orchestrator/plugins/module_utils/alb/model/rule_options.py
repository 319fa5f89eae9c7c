# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may add to a route's rule: further conditions, and who has to prove who they are before the forward."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import (
    CONDITION_CONFIGS,
    Json,
    canonical_actions,
)

# Stands for a client secret in a plan; what follows is the route's name.
SECRET_REFERENCE = "client-secret:"  # noqa: S105 - the name of a place, not a secret


def conditions_from_options(options: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Returns further conditions as the API wants them; query strings are given as ``key=value`` or ``value``."""
    return [_condition(option) for option in options]


def _condition(option: Mapping[str, Any]) -> Json:
    field, wanted = option["field"], list(option["values"])
    config: Json = {"Values": wanted}
    if field == "http-header":
        config["HttpHeaderName"] = option["header_name"]
    if field == "query-string":
        pairs = [text.rpartition("=") for text in wanted]
        config["Values"] = [{**({"Key": key} if key else {}), "Value": value} for key, equals, value in pairs]
    return {"Field": field, CONDITION_CONFIGS[field]: config}


def front_actions_from_options(route: Mapping[str, Any]) -> list[Json]:
    """Returns the actions before the forward in canonical form; a client secret is not among them."""
    actions: list[Json] = []
    if route.get("authenticate_oidc"):
        actions.append({"Type": "authenticate-oidc", "AuthenticateOidcConfig": _camel(route["authenticate_oidc"])})
    if route.get("jwt_validation"):
        actions.append({"Type": "jwt-validation", "JwtValidationConfig": _camel(route["jwt_validation"])})
    numbered = [{**action, "Order": order} for order, action in enumerate(actions, start=1)]
    return canonical_actions(numbered)


def _camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            "".join(word.capitalize() for word in key.removeprefix("claim_").split("_")): _camel(inner)
            for key, inner in value.items()
            if inner is not None
        }
    return [_camel(inner) for inner in value] if isinstance(value, list) else value


@lru_cache(maxsize=256)
def secret_mark(secret: str, salt: str) -> str:
    """Hashes a secret, slowly, to a mark by which a later run knows it again; the service never tells it."""
    return hashlib.scrypt(secret.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=8).hex()
