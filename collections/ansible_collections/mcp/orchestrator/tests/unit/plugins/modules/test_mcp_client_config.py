# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file for clients: written once, replaced when it is ours, never somebody else's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_client_config

REMOTE = {"url": "https://docs.example.com/mcp", "headers": {"Authorization": "Bearer canary-1"}}
STATE = {"servers": [{"name": "time", "route": {"url": "http://127.0.0.1:8080/mcp/time/mcp"}}]}


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    (tmp_path / "mcp.config.json").write_text(
        json.dumps({"mcpServers": {"time": {"command": "docker", "args": ["run", "mcp/time"]}, "docs": REMOTE}})
    )
    (tmp_path / "state.json").write_text(json.dumps(STATE))

    def module(**options: Any) -> dict[str, Any]:
        files = {"config": [str(tmp_path / "mcp.config.json")], "state": str(tmp_path / "state.json")}
        with patch_module_args({"path": str(tmp_path / "mcp.json"), **files, **options}), pytest.raises(SystemExit):
            mcp_client_config.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return module


def test_the_file_is_written_once_and_then_left_alone(run: Any, tmp_path: Path) -> None:
    first, second = run(), run()
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["servers"] == ["docs", "time"]
    assert json.loads((tmp_path / "mcp.json").read_text())["mcpServers"] == {
        "docs": {"type": "http", "url": "https://docs.example.com/mcp"},
        "time": {"type": "http", "url": "http://127.0.0.1:8080/mcp/time/mcp"},
    }


def test_secrets_are_told_with_consent_alone_and_then_to_the_owner_alone(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    assert "canary" not in json.dumps(run(_ansible_verbosity=4, _ansible_diff=True)) + path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    result = run(with_secrets=True, _ansible_verbosity=4, _ansible_diff=True)
    assert result["changed"] is True
    assert "canary" not in json.dumps(result)
    assert "Bearer canary-1" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_check_mode_writes_nothing(run: Any, tmp_path: Path) -> None:
    result = run(_ansible_check_mode=True)
    assert result["changed"] is True
    assert result["diff"]["after"] == (
        "docs: http https://docs.example.com/mcp\ntime: http http://127.0.0.1:8080/mcp/time/mcp\n"
    )
    assert not (tmp_path / "mcp.json").exists()


@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"mcpServers": {"mine": {"command": "x"}}}'])
def test_a_file_of_somebody_elses_is_never_replaced(run: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / "mcp.json").write_text(content)
    result = run()
    assert result["failed"] is True
    assert result["msg"].endswith(
        "mcp.json exists and was not written for the fleet mcp; name another file, or move this one away"
    )
    assert (tmp_path / "mcp.json").read_text() == content


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no run has ended yet; run the site playbook first"), ("{", "holds no state"), ('{"servers": 1}', "holds")],
)
def test_without_a_state_the_way_out_is_told(run: Any, tmp_path: Path, content: str | None, message: str) -> None:
    (tmp_path / "state.json").unlink()
    if content is not None:
        (tmp_path / "state.json").write_text(content)
    assert message in run()["msg"]


def test_every_option_and_return_key_is_documented(run: Any) -> None:
    result = run()
    assert set(yaml.safe_load(mcp_client_config.RETURN)) == set(result) - {"changed", "invocation", "deprecations"}
    options = yaml.safe_load(mcp_client_config.DOCUMENTATION)["options"]
    assert set(options) == set(result["invocation"]["module_args"])
