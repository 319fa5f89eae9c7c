"""The servers of the site, as the config's own reader reads their entries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.config_info import run as read_config

GROUPS = ("data", "search", "office", "code", "support", "finance", "")
KINDS = (
    "postgres", "github", "time", "fetch", "slack", "jira", "notion", "files", "search", "weather",
    "orders", "billing", "mail", "calendar", "maps", "tickets", "wiki", "metrics", "reports", "translate",
)  # fmt: skip
TOOLS = ("list", "get", "create", "update", "delete", "search", "describe", "export", "convert", "watch")
REMOTES = ("docs", "sentry")
INVALID, DISABLED = "wrong-entry", "retired-mailer"


@dataclass(frozen=True)
class Fleet:
    """``config`` is the result of mcp_config_info; ``names`` are the servers that run here, ``bridged`` those of them
    that speak stdio."""

    config: dict[str, Any]
    names: tuple[str, ...]
    bridged: frozenset[str]

    def tools(self, name: str) -> list[str]:
        """Returns the tools that a server offers at first: three to nine."""
        kind = name.partition("-")[0]
        return [f"{kind}_{verb}" for verb in TOOLS[: 3 + sum(name.encode()) % 7]]

    def container(self, name: str, generation: int = 0) -> str:
        """Returns the id of a server's container."""
        number = self.names.index(name)
        return f"{number:04x}{generation:04x}" * 8


def fleet_of(directory: Path, count: int) -> Fleet:
    """Returns a fleet of so many servers, and two remote ones; writes its config into ``directory``."""
    (directory / "fleet.key").write_bytes(b"k" * 32)
    (directory / "fleet.key").chmod(0o600)
    config = directory / "mcp.config.json"
    config.write_text(json.dumps({"mcpServers": _entries(count)}, indent=1))
    given = {
        "config": [str(config)],
        "settings": None,
        "key_file": str(directory / "fleet.key"),
        "overrides": None,
    }
    read = read_config(given, check_mode=False)
    running = [spec for spec in read["servers"] if spec.get("enabled", True)]
    return Fleet(
        read,
        tuple(spec["name"] for spec in running),
        frozenset(spec["name"] for spec in running if spec.get("transport", "stdio") == "stdio"),
    )


def _entries(count: int) -> dict[str, Any]:
    entries = {name: _entry(number, kind) for number in range(count - 2) for name, kind in [_name(number)]}
    entries[DISABLED] = {"command": "docker", "args": ["run", "-i", "--rm", "mcp/mailer:2"], "disabled": True}
    entries[INVALID] = {"command": "docker", "args": ["run", "--privileged", "mcp/wrong"]}
    for name in REMOTES:
        entries[name] = {"type": "http", "url": f"https://{name}.example.com/mcp"}
    return entries


def _name(number: int) -> tuple[str, str]:
    kind = KINDS[number % len(KINDS)]
    again = number // len(KINDS)
    return (f"{kind}-{again + 1}" if again else kind), kind


def _entry(number: int, kind: str) -> dict[str, Any]:
    extension: dict[str, Any] = {"resources": {"memory": f"{(1 + number % 4) * 256}m", "cpus": 0.5 * (1 + number % 3)}}
    if GROUPS[number % len(GROUPS)]:
        extension["group"] = GROUPS[number % len(GROUPS)]
    if number % 11 == 3:
        extension["read_only"] = False
    if number % 17 == 5:
        extension["replicas"] = 2
    if number % 13 == 2:
        extension["network"] = ["api.example.com"]
    flags = ["-p", "8000:8000"] if number % 5 == 1 else ["-i"]
    return {
        "command": "docker",
        "args": ["run", "--rm", *flags, "-e", "API_KEY", f"mcp/{kind}:1.{number % 9}"],
        "env": {"API_KEY": f"canary-{number}-never-shown"},
        "orchestrator": extension,
    }
