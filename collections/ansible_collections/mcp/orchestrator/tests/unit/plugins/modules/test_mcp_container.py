# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's edges: what goes in, what comes out, how it fails."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import info as container_info
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import module as container_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Verb
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.arguments import bridge_directory
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import EngineUnreachable
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_container, mcp_container_info
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import spec
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)


class Engine(SimulatedEngine):
    """Found by the module in the place of a real one."""

    local = False
    closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    story = container_module.reconcile
    for module in (container_module, container_info):
        monkeypatch.setattr(module, "DockerEngine", lambda _address: engine)
    monkeypatch.setattr(
        container_module,
        "reconcile",
        lambda desired, host: story(desired, replace(host, probe=engine.probe, clock=engine.clock)),
    )
    look = container_info.observe
    monkeypatch.setattr(container_info, "observe", lambda host, *given: look(replace(host, probe=engine.probe), *given))
    return engine


def call(
    module: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **arguments: Any
) -> dict[str, Any]:
    """Runs a module's main() and gives what it printed."""
    more = {"_ansible_remote_tmp": "/tmp", "_ansible_keep_remote_files": False}
    packed = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, **more}}).encode()
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", packed)
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit):
        module.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def servers(*specs: Any) -> list[dict[str, Any]]:
    return [each.to_dict() for each in specs]


def test_it_brings_up_what_is_desired_and_then_changes_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desired = servers(spec("web"), spec("api"))
    first = call(mcp_container, monkeypatch, capsys, servers=desired, fleet="f")
    assert (first["changed"], [each["state"] for each in first["endpoints"]]) == (True, ["running", "running"])
    again = call(mcp_container, monkeypatch, capsys, servers=desired, fleet="f")
    assert (again["changed"], again["actions"], again["errors"]) == (False, [], [])
    assert engine.closed == 2


def test_a_failed_server_fails_the_module_which_still_tells_everything(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desired = servers(spec("web"), spec("lost", image="nowhere"))
    result = call(mcp_container, monkeypatch, capsys, servers=desired, fleet="f")
    assert result["failed"] is True
    assert result["msg"] == "lost: image nowhere cannot be pulled: not found"
    assert {each["name"]: each["state"] for each in result["endpoints"]} == {"web": "running", "lost": "failed"}
    assert set(result) >= {"changed", "diff", "actions", "endpoints", "errors"}


def test_check_mode_touches_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {"servers": servers(spec("web")), "fleet": "f", "_ansible_check_mode": True}
    result = call(mcp_container, monkeypatch, capsys, **arguments)
    assert (result["changed"], result["endpoints"][0]["state"], engine.held) == (True, "planned", {})


def test_a_config_that_cannot_be_read_keeps_those_apart_that_need_its_values(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    desired = servers(spec("web", env={"TOKEN": "0" * 16}), spec("api", env={}))
    config = [str(tmp_path / "gone.json")]
    result = call(mcp_container, monkeypatch, capsys, servers=desired, fleet="f", config=config)
    (error,) = result["errors"]
    assert (error["server"], "gone.json" in error["message"]) == ("web", True)
    assert {each["name"]: each["state"] for each in result["endpoints"]} == {"web": "failed", "api": "running"}


def test_two_hosts_share_a_fleet_and_one_without_a_place_fails_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desired = servers(
        *(spec(name, placement={"hosts": 1}) for name in ("web", "api", "docs", "time")),
        spec("lost", placement={"labels": {"zone": "z"}}),
    )
    hosts: dict[str, dict[str, str]] = {"one": {"zone": "a"}, "two": {}}
    ran: dict[str, set[str]] = {}
    for host in hosts:
        engine.held.clear()
        result = call(mcp_container, monkeypatch, capsys, servers=desired, fleet="f", host=host, hosts=hosts)
        ran[host] = {each["name"] for each in result["endpoints"]}
        assert set(result["on_other_hosts"]) == {"web", "api", "docs", "time"} - ran[host]
        assert result["unschedulable"] == ["lost"]
        assert {name for name, where in result["hosts_by_server"].items() if where == [host]} == ran[host]
        assert [each["server"] for each in result["errors"]] == ["lost"]
    assert ran["one"] | ran["two"] == {"web", "api", "docs", "time"}
    assert ran["one"] & ran["two"] == set()
    stranger = call(mcp_container, monkeypatch, capsys, servers=desired, fleet="f", host="three", hosts=hosts)
    assert stranger["msg"] == "host is three, which hosts does not name; give one of one, two"


def test_a_run_that_was_overtaken_retires_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = servers(spec("web")), servers(spec("web", memory=2**27))
    first = call(mcp_container, monkeypatch, capsys, servers=old, fleet="newer")
    second = call(mcp_container, monkeypatch, capsys, servers=new, fleet="newer")
    late = call(
        mcp_container, monkeypatch, capsys, servers=old, fleet="newer", retire=True, run_token=first["run_token"]
    )
    assert (late["changed"], late["actions"], late["errors"]) == (False, [], [])
    assert len(engine.of_fleet("newer")) == 2
    retired = call(
        mcp_container, monkeypatch, capsys, servers=new, fleet="newer", retire=True, run_token=second["run_token"]
    )
    assert [each["action"] for each in retired["actions"]] == ["remove", "rename"]
    assert [each["Id"] for each in engine.of_fleet("newer")] == [second["endpoints"][0]["container"]]


def test_an_engine_that_does_not_answer_is_one_sentence(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dead(_address: str | None) -> Engine:
        raise EngineUnreachable("no Docker engine answers at unix:///x")

    monkeypatch.setattr(container_module, "DockerEngine", dead)
    result = call(mcp_container, monkeypatch, capsys, servers=[], fleet="f")
    assert result["msg"] == "no Docker engine answers at unix:///x"
    assert result["errors"] == [{"server": None, "message": result["msg"]}]
    assert "exception" not in result


@pytest.mark.parametrize(
    ("desired", "message"),
    [
        ([{"name": "web"}], "servers[0] (web) is not a spec"),
        (servers(spec("web"), spec("web")), "servers names web more than once"),
    ],
)
def test_servers_that_are_no_fleet_are_refused(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    desired: list[dict[str, Any]],
    message: str,
) -> None:
    result = call(mcp_container, monkeypatch, capsys, servers=desired, fleet="f")
    assert result["failed"] is True
    assert message in result["msg"]


def test_every_action_is_documented() -> None:
    documented = yaml.safe_load(mcp_container.RETURN)["actions"]["contains"]["action"]["description"]
    assert re.findall(r"C\((\w+)\)", documented) == [verb.value for verb in Verb]


def test_every_option_is_documented_with_its_default() -> None:
    for module in (mcp_container, mcp_container_info):
        options = yaml.safe_load(module.DOCUMENTATION).get("options", {})
        spec = {name: given for name, given in module.ARGUMENT_SPEC.items() if name != "docker_host"}
        assert {name: each.get("default") for name, each in options.items()} == {
            name: each.get("default") for name, each in spec.items()
        }


def test_the_bridge_s_digest_is_that_of_the_directory_behind_the_link(tmp_path: Path) -> None:
    (tmp_path / "3f9a").mkdir()
    (tmp_path / "current").symlink_to("3f9a")
    assert bridge_directory(str(tmp_path / "current")) == str(tmp_path / "3f9a")


def test_the_info_module_shows_the_fleet_and_what_it_failed_at(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ill = spec("ill")
    engine.sick = {ill.generation}
    call(mcp_container, monkeypatch, capsys, servers=servers(spec("web", memory=2**27), ill), fleet="f")
    seen = call(mcp_container_info, monkeypatch, capsys, fleet="f")
    assert [(each["name"], each["status"]) for each in seen["containers"]] == [
        ("f-ill", "running"),
        ("f-web", "running"),
    ]
    assert [(each["server"], each["count"]) for each in seen["failures"]] == [("ill", 1)]
    assert seen["changed"] is False
