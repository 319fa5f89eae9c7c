# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common.text.converters import to_bytes
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_probe_info


def run(monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, Any]:
    """What the module prints for these options."""
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", to_bytes(json.dumps({"ANSIBLE_MODULE_ARGS": options})))
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    monkeypatch.setattr(sys, "argv", ["mcp_probe_info"])
    printed = io.StringIO()
    with redirect_stdout(printed), pytest.raises(SystemExit):
        mcp_probe_info.main()
    return json.loads(printed.getvalue())


NOBODY = {"name": "time", "url": "http://127.0.0.1:1/mcp"}


def test_a_failing_server_is_a_result_and_not_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, endpoints=[NOBODY])
    assert not result.get("failed")
    assert result["changed"] is False
    assert result["failing"] == ["time"]
    assert result["servers"][0]["cause"] == "refused"


def test_headers_do_not_occur_in_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, endpoints=[{**NOBODY, "headers": {"Authorization": "Bearer sesame"}}])
    assert "sesame" not in json.dumps(result)


def test_an_expectation_that_is_no_expression_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, endpoints=[{**NOBODY, "call": {"tool": "now", "expect": "("}}])
    assert result["failed"]
    assert result["msg"].startswith("endpoints: time: call.expect is not a regular expression")


@pytest.mark.parametrize("limit", ["timeout", "deadline"])
def test_a_time_must_be_one(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    result = run(monkeypatch, endpoints=[NOBODY], **{limit: 0})
    assert result["msg"] == f"{limit}: 0.0 is not a time; give seconds above 0"
