# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How all modules end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import (
    ModuleError,
    fail_on_errors,
    fleet_error,
    require,
    result_of,
)


def test_a_run_s_result_is_returned_as_it_is() -> None:
    def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        return {"changed": True, "given": arguments["a"], "check_mode": check_mode}

    assert result_of(run, {"a": 1}, True) == {"changed": True, "given": 1, "check_mode": True}


def test_a_failure_of_the_whole_fleet_names_no_server() -> None:
    def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        raise fleet_error("no engine", actions=[])

    errors = [{"server": None, "message": "no engine"}]
    expected = {"changed": False, "failed": True, "msg": "no engine", "errors": errors, "actions": []}
    assert result_of(run, {}, False) == expected


def test_errors_of_servers_fail_the_module_and_keep_its_result() -> None:
    errors = [{"server": "web", "message": "no image"}, {"server": None, "message": "no network"}]
    result = fail_on_errors({"changed": True, "errors": errors})
    assert result == {
        "changed": True,
        "errors": errors,
        "failed": True,
        "msg": "web: no image\nfleet: no network",
    }
    assert fail_on_errors({"changed": False, "errors": []}) == {"changed": False, "errors": []}


def test_an_unexpected_exception_is_a_sentence_with_its_trace() -> None:
    def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        raise KeyError("lost")

    result = result_of(run, {}, False)
    assert (result["failed"], result["msg"]) == (
        True,
        "unexpected KeyError('lost'); please report it with the traceback",
    )
    assert "KeyError: 'lost'" in result["exception"]


def test_a_missing_library_is_named_with_the_trace_of_its_import() -> None:
    require("docker", None)
    with pytest.raises(ModuleError, match="docker") as caught:
        require("docker", "ImportError: no docker")
    assert caught.value.facts == {"exception": "ImportError: no docker"}
