# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_config_info


def run(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        mcp_config_info.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def write(tmp_path: Path, servers: Any) -> str:
    path = tmp_path / "mcp.config.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return str(path)


def docker(*args: str, **entry: Any) -> dict[str, Any]:
    return {"command": "docker", "args": ["run", *args], **entry}


def test_it_returns_specs_settings_errors_and_explanations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write(tmp_path, {"time": docker("-i", "mcp/time"), "bad": docker("--privileged", "a")})
    result = run(capsys, config=[config])
    assert result["changed"] is False
    assert datetime.fromisoformat(result["started"]).tzinfo is UTC
    assert [server["name"] for server in result["servers"]] == ["time"]
    assert result["settings"]["service"]["fleet"] == "mcp"
    assert result["errors"] == [
        {
            "server": "bad",
            "message": "mcp.config.json: mcpServers.bad.args[1]: '--privileged' is not allowed: "
            "it gives the container the whole host; set allow_privileged in settings.conf if you mean it",
        }
    ]
    assert set(result["explain"]) == {"bad", "time"}


def test_it_names_the_servers_whose_images_are_built_and_those_whose_images_are_signed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signed = docker("mcp/signed", orchestrator={"signature_key": "/etc/mcp-orchestrator/cosign.pub"})
    built = {"command": "uvx", "args": ["mcp-server-time==2025.4.7"]}
    result = run(capsys, config=[write(tmp_path, {"plain": docker("a"), "signed": signed, "built": built})])
    assert (result["built"], result["signed"]) == (["built"], ["signed"])


def test_it_returns_no_value_of_a_variable_and_not_the_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path, {"x": docker("-e", "A=canary-1", "-e", "B", "a", env={"B": "canary-2", "C": "canary-3"})})
    settings = tmp_path / "settings.conf"
    settings.write_text("[dashboard]\npassword = canary-4-of-the-page\n")
    result = run(capsys, config=[config], settings=str(settings), _ansible_verbosity=4)
    assert set(result["servers"][0]["env"]) == {"A", "B"}
    assert "canary" not in json.dumps(result)


def test_it_warns_of_variables_that_do_not_reach_the_container(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(capsys, config=[write(tmp_path, {"x": docker("a", env={"C": "1"})})])
    assert "mcpServers.x.env.C: does not reach the container" in json.dumps(result["warnings"])


def test_a_file_that_cannot_be_read_fails_with_all_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, config=[str(tmp_path / "none.json"), str(tmp_path / "nor.json")])
    assert result["failed"] is True
    assert result["msg"].splitlines() == [
        "none.json: cannot be read: No such file or directory",
        "nor.json: cannot be read: No such file or directory",
    ]


def test_a_key_file_that_others_can_read_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "fleet.key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o644)
    result = run(capsys, config=[write(tmp_path, {})], key_file=str(key))
    assert result["failed"] is True
    assert "chmod 0600" in result["msg"]


def test_every_option_and_return_key_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, config=[write(tmp_path, {})])
    documented = set(yaml.safe_load(mcp_config_info.RETURN))
    assert documented == set(result) - {"changed", "invocation", "deprecations", "warnings"}
    options = yaml.safe_load(mcp_config_info.DOCUMENTATION)["options"]
    assert set(options) == set(result["invocation"]["module_args"])
    assert basic.AnsibleModule is not None
