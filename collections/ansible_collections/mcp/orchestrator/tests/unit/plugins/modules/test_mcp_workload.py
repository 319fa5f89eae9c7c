# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mcp_workload says before it asks a cluster for anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_workload


def told(capsys: pytest.CaptureFixture[str], folder: Path, failed: bool = True, **options: Any) -> dict[str, Any]:
    (folder / "settings.conf").write_text(f"[kubernetes]\nkubeconfig = {folder}/none\n")
    arguments = {"servers": [], "settings": str(folder / "settings.conf"), **options}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        mcp_workload.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert result.get("failed", False) is failed
    return result


def test_of_several_hosts_the_first_by_name_alone_speaks_to_the_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = [{"name": name, "image": "one"} for name in ("there", "returning")]
    hosts = {"hosts": {"b": {}, "a": {}}, "servers": servers, "leaving": ["returning"]}
    assert "cannot be used" in told(capsys, tmp_path, host="a", **hosts)["msg"]
    other = told(capsys, tmp_path, host="b", failed=False, **hosts)
    assert (other["on_other_hosts"], other["endpoints"], other["requests"]) == (["there"], [], {})


def test_what_a_teardown_leaves_in_the_cluster_is_told_with_the_command_that_removes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = told(capsys, tmp_path)["msg"]
    assert "kubectl -n mcp delete ingresses.networking.k8s.io,horizontalpodautoscalers" in message
    assert message.endswith("serviceaccounts,configmaps -l mcp_fleet=mcp")
    assert "kubectl -n" not in told(capsys, tmp_path, servers=[{"name": "time", "image": "one"}])["msg"]


def test_a_kubeconfig_that_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"kubeconfig {tmp_path}/none cannot be used" in told(capsys, tmp_path)["msg"]


def test_the_library_is_asked_for_only_here_and_named_where_it_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    assert "Failed to import the required Python library (kubernetes)" in told(capsys, tmp_path)["msg"]
