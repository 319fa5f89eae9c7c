# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host on which requests are dropped and runs take and answer them, without an engine."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.config_info import run as read_config
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.answer import answer
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.module import run as begin
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.spool import Rooms

ENTRY: dict[str, Any] = {"command": "docker", "args": ["run", "-i", "--rm", "mcp/one"]}


class RequestHost:
    def __init__(self, root: Path, **servers: Any) -> None:
        self.var, self.config = root / "var", root / "mcp.config.json"
        self.settings: Path | None = None
        self.key = root / "fleet.key"
        self.key.write_bytes(b"k" * 32)
        self.key.chmod(0o600)
        for name in ("requests", "results"):
            (self.var / name).mkdir(parents=True)
        self.write_config(**(servers or {"time": ENTRY, "notes": ENTRY}))
        self.clock = itertools.count(10**9)
        self.runs: list[dict[str, Any]] = []
        self.pulled: list[str] = []

    @property
    def rooms(self) -> Rooms:
        return Rooms(str(self.var))

    def write_config(self, **servers: Any) -> None:
        self.config.write_text(json.dumps({"mcpServers": servers}))

    def drop(self, identity: str, action: Any = None, server: str | None = None, **more: Any) -> Path:
        """Drops a request as writers do; the later dropped is the later written."""
        said = {"action": action, **({"server": server} if server is not None else {}), **more}
        return self.drop_text(f"{identity}.json", json.dumps(said))

    def drop_text(self, name: str, content: str) -> Path:
        path = self.var / "requests" / name
        hidden = path.with_name(".new")
        hidden.write_text(content)
        hidden.chmod(0o600)
        moment = next(self.clock) * 10**9
        os.utime(hidden, ns=(moment, moment))
        hidden.rename(path)
        return path

    def begin(self, check_mode: bool = False) -> dict[str, Any]:
        settings = None if self.settings is None else str(self.settings)
        arguments = {"directory": str(self.var), "group": None, "owners": [], "settings": settings}
        return begin({**arguments, "config": [str(self.config)], "key_file": str(self.key)}, check_mode)

    def read(self) -> dict[str, Any]:
        return read_config(
            {
                "config": [str(self.config)],
                "settings": None,
                "key_file": str(self.key),
                "overrides": str(self.var / "overrides.json"),
            },
            check_mode=False,
        )

    def run(self) -> dict[str, Any]:
        """A whole run; returns what it has read of the config."""
        taken = self.begin()
        config = self.read()
        self.runs.append(taken)
        self.pulled += [each["name"] for each in config["servers"] if each.get("pull") == "always"]
        problems = answer(self.rooms, taken["pending"], config["lapsed"], state_of(config, taken))
        assert not problems, problems
        return config

    def specs(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.read()["servers"]}

    def stopped(self) -> list[str]:
        return sorted(name for name, each in self.specs().items() if each.get("stopped"))

    def result(self, identity: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.var / "results" / f"{identity}.json").read_text())
        return found

    def results(self) -> dict[str, str]:
        """The status of every answer by id."""
        return {each.stem: json.loads(each.read_text())["status"] for each in (self.var / "results").iterdir()}

    def audit(self) -> list[dict[str, Any]]:
        path = self.var / "audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def left(self) -> list[str]:
        """What no run has taken away yet."""
        folders = [self.var / "requests", self.var / "taken"]
        return [each.name for folder in folders if folder.is_dir() for each in folder.iterdir()]

    def refused(self) -> list[str]:
        folder = self.var / "refused"
        return sorted(each.name.split(".", 1)[1] for each in folder.iterdir()) if folder.is_dir() else []

    def drop_ins(self) -> list[str]:
        folder = self.config.with_name("mcp.config.d")
        return sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []


def state_of(config: dict[str, Any], taken: dict[str, Any], errors: dict[str, str] | None = None) -> dict[str, Any]:
    """The state after a run in which everything went as planned, but for ``errors``."""
    errors = errors or {}
    return {
        "run": {"id": taken["run_id"], "result": "failed" if errors else "ok", "changes": []},
        "summary": {"text": "All servers answer"},
        "errors": [{"server": name, "step": "probe", "message": each} for name, each in errors.items()],
        "remotes": [{"name": each["name"]} for each in config["remotes"]],
        "servers": [
            {
                "name": each["name"],
                "condition": "stopped" if each.get("stopped") else "failing" if each["name"] in errors else "ok",
                "observed": "stopped" if each.get("stopped") else "running",
                "text": {"condition": f"stopped {each['stopped']}" if each.get("stopped") else "answers"},
                "error": errors.get(each["name"]),
            }
            for each in config["servers"]
        ],
    }
