# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LiteLLM's file is written where something changed, its command run until it has worked, and nothing else touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mcp.orchestrator.plugins.module_utils.client.config_info import run as config_info
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_litellm

Run = Callable[..., dict[str, Any]]
TIME = {"command": "docker", "args": ["run", "mcp/time"]}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the module for these servers."""
    (tmp_path / "key").write_bytes(b"k" * 32)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "settings.conf").write_text(
        f"[litellm]\nconfig = {tmp_path}/litellm.yaml\nreload = {tmp_path}/reload\n"
    )
    (tmp_path / "reload").write_text(f"#!/bin/sh\necho >>{tmp_path}/reloads\n")
    (tmp_path / "reload").chmod(0o755)

    def module(servers: dict[str, Any], *, check: bool = False, **options: Any) -> dict[str, Any]:
        (tmp_path / "mcp.config.json").write_text(json.dumps({"mcpServers": servers}))
        settings = str(tmp_path / "settings.conf")
        files = {"config": [str(tmp_path / "mcp.config.json")], "settings": settings}
        config = config_info({**files, "key_file": str(tmp_path / "key"), "overrides": None}, False)
        arguments = {
            "settings": settings,
            "config": config,
            "public_url": "http://lb",
            "memory": str(tmp_path / "memory.json"),
            **options,
        }
        return result_of(mcp_litellm.run, {"state": "present", **arguments}, check)

    return module


def servers_of(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "litellm.yaml").read_text())["mcp_servers"] or {}


def reloads(folder: Path) -> int:
    return (folder / "reloads").read_text().count("\n") if (folder / "reloads").exists() else 0


def test_the_file_is_written_and_the_command_run_only_where_something_changed(run: Run, tmp_path: Path) -> None:
    assert run({"time": TIME})["changed"] is True
    assert (servers_of(tmp_path)["time"]["url"], reloads(tmp_path)) == ("http://lb/mcp/time/mcp", 1)
    before = (tmp_path / "litellm.yaml").stat()
    again = run({"time": {**TIME, "env": {"A": "1"}}})  # nothing of it concerns LiteLLM
    assert (again["changed"], again["actions"], reloads(tmp_path)) == (False, [], 1)
    assert (tmp_path / "litellm.yaml").stat().st_ino == before.st_ino


def test_check_mode_shows_what_would_change_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    result = run({"time": TIME}, check=True)
    assert (result["changed"], result["actions"][0]["action"]) == (True, "create")
    assert result["diff"]["after"].startswith("time: http http://lb/mcp/time/mcp, server_id ")
    assert (reloads(tmp_path), sorted(tmp_path.glob("*.yaml")), (tmp_path / "memory.json").exists()) == (0, [], False)


def test_a_command_that_failed_is_run_again_by_the_next_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "reload").write_text("#!/bin/sh\necho s3same-0pen >&2\nexit 3\n")
    result = run({"time": TIME})
    assert result["failed"] is True
    assert result["msg"].endswith("of [litellm] reload ended with 3; run it by hand to see why")
    assert "s3same" not in json.dumps(result)
    assert "time" in servers_of(tmp_path)
    (tmp_path / "reload").write_text(f"#!/bin/sh\necho >>{tmp_path}/reloads\n")
    assert run({"time": TIME})["changed"] is True
    assert run({"time": TIME})["changed"] is False
    assert reloads(tmp_path) == 1


def test_an_id_survives_an_edit_a_renaming_and_a_move(run: Run, tmp_path: Path) -> None:
    run({"time": TIME, "docs": {**TIME, "description": "docs"}})
    first = servers_of(tmp_path)["time"]["server_id"]
    run({"time": {**TIME, "description": "now"}, "docs": TIME}, public_url="https://elsewhere")
    run({"clock": {**TIME, "description": "now"}, "docs": TIME}, public_url="https://elsewhere")
    found = servers_of(tmp_path)
    assert (found["clock"]["server_id"], found["clock"]["url"]) == (first, "https://elsewhere/mcp/clock/mcp")
    run({"clock": {**TIME, "description": "now"}, "docs": TIME, "time": TIME}, public_url="https://elsewhere")
    found = servers_of(tmp_path)
    assert found["clock"]["server_id"] == first != found["time"]["server_id"]


def test_an_id_that_somebody_wrote_into_the_file_stays(run: Run, tmp_path: Path) -> None:
    run({"time": TIME})
    path = tmp_path / "litellm.yaml"
    path.write_text(path.read_text().replace(servers_of(tmp_path)["time"]["server_id"], "granted-before"))
    assert run({"time": TIME})["changed"] is False
    run({"time": {**TIME, "description": "now"}})
    assert servers_of(tmp_path)["time"]["server_id"] == "granted-before"
    run({"time": {**TIME, "disabled": True}})
    assert servers_of(tmp_path) == {}
    run({"time": TIME})
    assert servers_of(tmp_path)["time"]["server_id"] == "granted-before"
    run({"clock": TIME})
    run({"clock": TIME, "time": TIME})
    ids = {name: told["server_id"] for name, told in servers_of(tmp_path).items()}
    assert ids["clock"] == "granted-before" != ids["time"]


def test_a_collision_fails_for_these_servers_alone_and_names_both(run: Run, tmp_path: Path) -> None:
    run({"my-docs": TIME})
    result = run({"my-docs": TIME, "my_docs": TIME, "time": TIME})
    assert result["failed"] is True
    assert result["errors"] == [
        {
            "server": "my_docs",
            "message": "LiteLLM cannot tell it from mcpServers.my-docs: both are 'my_docs' there; rename one of them",
        }
    ]
    assert sorted(servers_of(tmp_path)) == ["my_docs", "time"]
    assert servers_of(tmp_path)["my_docs"]["mcp_info"]["mcp_service"] == "my-docs"


def test_a_server_of_somebody_else_s_keeps_its_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text("mcp_servers:\n  Time:\n    url: http://theirs\n")
    result = run({"time": TIME})
    assert "another server 'Time'" in result["msg"]
    assert servers_of(tmp_path) == {"Time": {"url": "http://theirs"}}


def test_a_server_whose_entry_has_become_wrong_stays(run: Run, tmp_path: Path) -> None:
    run({"time": TIME, "docs": TIME})
    run({"time": {"command": 1}})
    assert sorted(servers_of(tmp_path)) == ["time"]


def test_the_file_keeps_its_owner_its_mode_and_its_link(run: Run, tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("model_list: []\n")
    (tmp_path / "real.yaml").chmod(0o640)
    os.chown(tmp_path / "real.yaml", 12345, 54321) if os.geteuid() == 0 else None
    before = (tmp_path / "real.yaml").stat()
    (tmp_path / "litellm.yaml").symlink_to("real.yaml")
    run({"time": TIME})
    after = (tmp_path / "real.yaml").stat()
    assert (tmp_path / "litellm.yaml").is_symlink()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert (after.st_ino, servers_of(tmp_path).keys()) != (before.st_ino, set())


def test_a_file_that_cannot_hold_ours_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text("mcp_servers: [\n")
    assert run({"time": TIME})["msg"].startswith(f"{tmp_path}/litellm.yaml: it is not YAML")


def test_absent_takes_ours_out_and_leaves_a_file_that_litellm_can_include(run: Run, tmp_path: Path) -> None:
    run({"time": TIME})
    assert run({}, state="absent", config={})["changed"] is True
    assert servers_of(tmp_path) == {}
    assert reloads(tmp_path) == 2


def test_advice_is_a_warning_once_for_each_change(run: Run) -> None:
    first, second = run({"time": TIME}), run({"time": TIME})
    assert "each session of time starts" in first["warnings"][0]
    assert (second["warnings"], second["advice"]) == ([], first["advice"])


def test_every_option_and_return_key_is_documented(run: Run) -> None:
    result = run({"time": {**TIME, "orchestrator": {"isolation": "pooled"}}})
    assert set(yaml.safe_load(mcp_litellm.RETURN)) == set(result) - {"changed", "warnings"}
    assert set(yaml.safe_load(mcp_litellm.DOCUMENTATION)["options"]) == set(mcp_litellm.ARGUMENT_SPEC)
