# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules return is what the state reads: a run of them all, over a simulated engine and a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.client.config_info import run as read_config
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import probe_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.document import build_state
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import run
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import Scripted, session_server
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    RUN,
    SCHEMA,
    routed,
    server_of,
)

ENTRY = {"command": "docker", "args": ["run", "--rm", "-p", "8000:8000", "one"], "autoApprove": ["now"]}
SERVERS: dict[str, Any] = {
    "time": ENTRY,
    "notes": {**ENTRY, "orchestrator": {"network": ["api.test"]}},
    "wrong": {"command": "docker", "args": ["run", "--privileged", "one"]},
    "off": {**ENTRY, "disabled": True},
    "docs": {"url": "https://docs.example.com/mcp?key=s3same-0pen", "headers": {"Authorization": "Bearer s3same-0pen"}},
}


class Site:
    """A host whose modules are run one after the other, as the site playbook does."""

    def __init__(self, folder: Path) -> None:
        self.engine = SimulatedEngine()
        self.config = folder / "mcp.config.json"
        self.key = folder / "fleet.key"
        self.key.write_bytes(b"k" * 32)
        self.key.chmod(0o600)
        self.server = Scripted(session_server())

    def state(self, **changed: Any) -> dict[str, Any]:
        """The state after one run with this config, whose servers all answer but notes."""
        self.config.write_text(json.dumps({"mcpServers": {**SERVERS, **changed}}))
        config = read_config(
            {"config": [str(self.config)], "settings": None, "key_file": str(self.key), "overrides": None},
            check_mode=False,
        )
        specs = [Spec.from_dict(each) for each in config["servers"]]
        protected = [error["server"] for error in config["errors"]]
        containers = run(self.engine, specs)
        names = [each["name"] for each in containers["endpoints"]]
        retire = run(self.engine, specs, retire=True, protected=protected)
        targets = [ProbeTarget(name, self.server.url if name == "time" else "http://127.0.0.1:1/mcp") for name in names]
        state = build_state(
            run=RUN,
            settings=config["settings"],
            config=config,
            containers=containers,
            routes=routed(*names),
            retire=retire,
            probe={"changed": False, "servers": probe_fleet(targets, timeout=5, deadline=10)},
        )
        jsonschema.Draft202012Validator(SCHEMA).validate(state)
        return state

    def names(self) -> dict[str, str]:
        """The containers' names by id, as the engine has them."""
        return {each["Id"]: each["Name"].lstrip("/") for each in self.engine.of_fleet("f")}


@pytest.fixture
def site(tmp_path: Path) -> Any:
    made = Site(tmp_path)
    yield made
    made.server.close()


def test_each_server_is_in_its_condition(site: Site) -> None:
    state = site.state()
    assert {each["name"]: each["condition"] for each in state["servers"]} == {
        "notes": "failing", "off": "disabled", "time": "ok", "wrong": "invalid",
    }  # fmt: skip
    assert state["summary"]["text"] == "1 of 3 servers answer, 2 do not"
    assert [each["name"] for each in state["remotes"]] == ["docs"]


def test_what_the_modules_say_of_a_server_stands_in_its_entry(site: Site) -> None:
    state = site.state()
    time = server_of(state)
    assert time["text"] == {
        "condition": "answers",
        "transport": "http, on port 8000 of its container",
        "limits": "512 MiB of memory, 1 core, 256 processes",
        "network": "anywhere",
        "where": None,
    }
    assert time["health"]["server"] == {"name": "scripted", "version": "1.2.3"}
    assert time["client"] == {"type": "http", "url": "http://127.0.0.1:8080/mcp/time/mcp", "autoApprove": ["now"]}
    assert "args[1]: '--rm' is ignored: the reconciler removes containers" in time["notes"]
    assert server_of(state, "notes")["text"]["network"] == "only api.test"
    assert "connection refused" in server_of(state, "notes")["error"]
    assert "'--privileged'" in server_of(state, "wrong")["error"]


def test_the_container_is_named_as_the_engine_names_it_also_after_an_update(site: Site) -> None:
    first = server_of(site.state())
    assert first["container"]["name"] == site.names()[first["container"]["id"]]
    changed = {**ENTRY, "args": [*ENTRY["args"], "--verbose"]}
    second = server_of(site.state(time=changed))
    assert second["container"]["id"] != first["container"]["id"]
    assert second["container"]["name"] == site.names()[second["container"]["id"]]
    assert second["generation"] != first["generation"]


def test_what_a_run_did_is_told_in_lines(site: Site) -> None:
    assert any(line.startswith("time: create — ") for line in site.state()["run"]["changes"])
    assert site.state()["run"]["changes"] == []


def test_no_secret_of_a_remote_server_is_in_the_state(site: Site) -> None:
    assert "s3same" not in json.dumps(site.state())
