# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule in words for a page that many may see. Pure.

Rules of others may hold secrets: a header that only a CDN in front sends, a token in a query. So of headers, queries
and fixed answers it is said that they are compared, or given, and never what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import CONDITION_CONFIGS, Json

LONGEST = 300


def condition_text(condition: Json) -> str:
    """Returns one condition in words, such as ``path is /mcp/time or /mcp/time/*``."""
    field = str(condition.get("Field"))
    config: Json = condition.get(CONDITION_CONFIGS.get(field, "Config")) or {}
    values, expressions = _texts(config.get("Values")), _texts(config.get("RegexValues"))
    if field == "http-header":
        return _cut(f"header {config.get('HttpHeaderName', '')} has {_number(len(values) + len(expressions), 'value')}")
    if field == "query-string":
        keys = sorted({str(pair.get("Key")) for pair in config.get("Values") or () if pair.get("Key")})
        return _cut(f"query has {', '.join(keys) if keys else 'a value'}")
    said = [f"is {_either(values)}"] if values else []
    said += [f"matches {_either(expressions)}"] if expressions else []
    name = {"path-pattern": "path", "host-header": "host", "source-ip": "source", "http-request-method": "method"}
    return _cut(f"{name.get(field, field)} {' or '.join(said) or 'is compared'}")


def action_text(action: Json, group_names: dict[str, str]) -> str:
    """Returns one action in words, such as ``forward to mcp-time-1a2b3c4d``. ``group_names`` are by ARN."""
    kind = str(action.get("Type"))
    config: Json = next((value for key, value in action.items() if key.endswith("Config")), {})
    if kind == "forward":
        groups = config.get("TargetGroups") or ()
        named = [(group_names.get(each["TargetGroupArn"], "another group"), each["Weight"]) for each in groups]
        weighted = [name if len(named) == 1 else f"{name} (weight {weight})" for name, weight in named]
        return _cut(f"forward to {', '.join(weighted)}")
    if kind == "fixed-response":
        return f"answer {config.get('StatusCode', '')}"
    if kind == "redirect":
        parts = {key: str(config.get(key) or f"#{{{key.lower()}}}") for key in ("Protocol", "Host", "Port", "Path")}
        where = "{Protocol}://{Host}:{Port}{Path}".format(**parts).lower()
        return _cut(f"redirect to {where}")
    issuer = config.get("Issuer")
    return _cut(f"{kind} by {issuer}" if issuer else kind)


def transform_text(transform: Json) -> str:
    """Returns one transform in words, such as ``url-rewrite ^/mcp/time/?(.*)$ to /$1``."""
    config: Json = next((value for key, value in transform.items() if key.endswith("Config")), {})
    rewrites = [f"{each.get('Regex', '')} to {each.get('Replace', '')}" for each in config.get("Rewrites") or ()]
    return _cut(f"{transform.get('Type')} {', '.join(rewrites)}")


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values or () if not isinstance(value, dict)]


def _either(values: Sequence[str]) -> str:
    return " or ".join(values)


def _number(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"one of {count} {what}s"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
