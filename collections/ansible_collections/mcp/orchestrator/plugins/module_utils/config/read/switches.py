# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists beside the servers by which clients switch some of them off.

Sources: gemini-cli, docs/tools/mcp-server.md (mcp.excluded, mcp.allowed, formerly excludeMCPServers, allowMCPServers);
code.claude.com/docs, settings (disabledMcpjsonServers) and managed MCP (deniedMcpServers, allowedMcpServers with
serverName, serverCommand, serverUrl); code.visualstudio.com/docs, settings (chat.mcp.enabled, chat.mcp.access).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import ADDRESSES

_DENY = re.compile(r"(disabled?|excluded?|denied|deny|blocked?)(mcp)?(json)?servers?")
_ALLOW = re.compile(r"allow(ed)?(mcp)?servers?")
_ALL_OFF: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("mcp", "enabled"), False),
    (("mcp", "disabled"), True),
    (("admin", "mcp", "enabled"), False),
    (("chat.mcp.enabled",), False),
    (("chat.mcp.access",), "none"),
    (("mcpEnabled",), False),
)


@dataclass(frozen=True)
class Switches:
    """What a file says of its servers beside them: rules for those that are off, and rules for all that may be on.

    Each rule stands with its path; ``off`` is the path of the key that switches all of them off, or empty.
    """

    denied: tuple[tuple[str, Any], ...] = ()
    allowed: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    off: str = ""

    def denied_by(self, name: str, entry: Any) -> str | None:
        """Returns the path of the rule that switches a server of any file off; None without one."""
        return next((path for path, rule in self.denied if _matches(rule, name, entry)), None)

    def switched_off_by(self, name: str, entry: Any) -> str | None:
        """Returns the path of what switches a server of the same file off; None where nothing does."""
        if self.off:
            return self.off
        missing = (path for path, rules in self.allowed if not any(_matches(rule, name, entry) for rule in rules))
        return self.denied_by(name, entry) or next(missing, None)

    def names(self) -> Iterator[tuple[str, str]]:
        """Yields the path and the name of each rule that names a server."""
        for path, rule in self.denied:
            name = _name(rule)
            if name:
                yield path, name


def read_switches(value: Mapping[str, Any], label: str) -> Switches:
    """Reads the lists of a file. Raises ConfigFileError where one is no list: what it switches off must not run."""
    denied: list[tuple[str, Any]] = []
    allowed: list[tuple[str, tuple[Any, ...]]] = []
    for path, key, found in _lists(value):
        if _DENY.fullmatch(key):
            denied += [(path, rule) for rule in _rules(found, path, label)]
        else:
            rules = _rules(found, path, label)
            # Only Claude Code takes an empty list for a ban of all.
            if rules or path == "allowedMcpServers":
                allowed.append((path, tuple(rules)))
    off = next((".".join(keys) for keys, said in _ALL_OFF if _at(value, keys) is said or _at(value, keys) == said), "")
    return Switches(tuple(denied), tuple(allowed), off)


def _at(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _lists(value: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The keys that are such lists: the path, the plain key, and what stands there."""
    for key, found in value.items():
        plain = re.sub(r"[^a-z]", "", key.lower())
        if _DENY.fullmatch(plain) or _ALLOW.fullmatch(plain):
            yield key, plain, found
    mcp = value.get("mcp")
    for key, found in mcp.items() if isinstance(mcp, dict) else ():
        plain = re.sub(r"[^a-z]", "", key.lower()).removesuffix("servers") + "servers"
        if (_DENY.fullmatch(plain) or _ALLOW.fullmatch(plain)) and not isinstance(found, bool):
            yield f"mcp.{key}", plain, found


def _rules(found: Any, path: str, label: str) -> list[Any]:
    if isinstance(found, str):
        found = [found]
    if isinstance(found, dict):
        found = [name for name, said in found.items() if said]
    if found is None:
        return []
    if not isinstance(found, list) or not all(_is_rule(each) for each in found):
        raise ConfigFileError([ConfigError(label, path, 'must be a list of servers\' names: ["NAME"]')])
    return found


def _is_rule(rule: Any) -> bool:
    if isinstance(rule, dict):
        command = rule.get("serverCommand")
        return bool(_name(rule)) or isinstance(rule.get("serverUrl"), str) or isinstance(command, list)
    return isinstance(rule, str)


def _name(rule: Any) -> str:
    named = rule.get("serverName", rule.get("name")) if isinstance(rule, dict) else rule
    return named if isinstance(named, str) else ""


def _matches(rule: Any, name: str, entry: Any) -> bool:
    named = _name(rule)
    if named:
        return named.strip().casefold() == name.strip().casefold()
    if not isinstance(rule, dict) or not isinstance(entry, dict):
        return False
    if isinstance(rule.get("serverUrl"), str):
        return any(fnmatchcase(entry[key], rule["serverUrl"]) for key in ADDRESSES if isinstance(entry.get(key), str))
    args = entry.get("args")
    words = args if isinstance(args, list) else []
    return bool(rule.get("serverCommand") == [entry.get("command"), *words])
