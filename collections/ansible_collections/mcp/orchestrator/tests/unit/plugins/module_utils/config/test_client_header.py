# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, load_env, read_fleet


def read(folder: Path, value: str, *args: str, settings: str = "", **more: Any) -> tuple[Fleet, list[str]]:
    entry = {"command": "docker", "args": ["run", "-i", *args, "-e", "TOKEN", "x/y"], "env": {"TOKEN": value}, **more}
    config, conf = folder / "mcp.config.json", folder / "settings.conf"
    config.write_text(json.dumps({"mcpServers": {"a": entry}}))
    conf.write_text(settings)
    return read_fleet([str(config)], str(conf), b"k" * 32), [str(config), str(conf)]


def test_a_reference_to_a_clients_header_reaches_the_bridge_as_it_is_written(tmp_path: Path) -> None:
    fleet, (config, conf) = read(tmp_path, "Bearer ${header:X-Token}")
    assert not fleet.errors
    assert load_env([config], conf)["a"]["TOKEN"].reveal() == "Bearer ${header:X-Token}"
    assert "env.TOKEN: is what a client sends as X-Token when it opens a session" in fleet.explain["a"]


@pytest.mark.parametrize(
    ("settings", "more"),
    [("", {"orchestrator": {"isolation": "pooled"}}), ("[defaults]\nisolation = shared\n", {})],
)
def test_processes_that_serve_many_clients_take_no_header(tmp_path: Path, settings: str, more: dict[str, Any]) -> None:
    fleet, _paths = read(tmp_path, "${header:X-Token}", settings=settings, **more)
    assert "set orchestrator.isolation to per_session" in str(fleet.errors[0])


def test_a_server_that_speaks_http_takes_none(tmp_path: Path) -> None:
    fleet, _paths = read(tmp_path, "${header:X-Token}", orchestrator={"port": 8000})
    assert "gets all of them itself" in str(fleet.errors[0])


def test_what_is_not_the_name_of_a_header_is_named(tmp_path: Path) -> None:
    fleet, _paths = read(tmp_path, "${header:X Token}")
    assert "'X Token' is not the name of a header" in str(fleet.errors[0])


def test_the_spec_names_the_headers_and_they_make_no_other_generation(tmp_path: Path) -> None:
    fleet, _paths = read(tmp_path, "${header:X-B} ${header:X-A}")
    (spec,) = fleet.specs
    assert spec.client_headers == ("X-A", "X-B")
    assert replace(spec, client_headers=()).with_generation().generation == spec.generation
