# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of session ids: whose they are, and how they get to a container."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import EnvChanged, Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.reconcile import DesiredFleet, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.session_key import VARIABLE, SessionKeys
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import (
    KEY,
    POLICY,
    VALUES,
    host_of,
    spec,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)

NEW, OLD = "1f" * 32, "2e" * 32


def file_of(folder: Path, *lines: str, mode: int = 0o600) -> str:
    path = folder / "session.key"
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(mode)
    return str(path)


def keys(path: str | None, server: str = "a", fleet: str = "f", **more: str) -> list[str]:
    """The keys that the containers of a server get."""
    found = SessionKeys(path, fleet).of(spec(server, **{"transport": "stdio", "isolation": "pooled", **more}))
    return [key for each in found for key in each.removeprefix(f"{VARIABLE}=").split(",")]


def test_a_servers_keys_are_the_same_on_every_host_with_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    here, there = file_of(tmp_path, NEW), file_of(tmp_path / "other", "", f"  {NEW} ")
    assert keys(here) == keys(there)
    assert len(bytes.fromhex(keys(here)[0])) == 32


def test_no_key_is_that_of_another_server_another_fleet_or_the_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, NEW)
    assert len({NEW, *keys(path), *keys(path, server="b"), *keys(path, fleet="g")}) == 4


def test_another_generation_has_the_same_keys(tmp_path: Path) -> None:
    path = file_of(tmp_path, NEW)
    assert keys(path) == keys(path, image="two")


def test_a_new_key_stands_before_the_former_one(tmp_path: Path) -> None:
    former = keys(file_of(tmp_path, OLD))
    assert keys(file_of(tmp_path, NEW, OLD))[1:] == former


@pytest.mark.parametrize("more", [{"isolation": "per_session"}, {"transport": "http"}])
def test_a_server_whose_sessions_live_in_one_process_gets_none(tmp_path: Path, more: dict[str, str]) -> None:
    assert keys(file_of(tmp_path, NEW), **more) == []


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert keys(None) == keys(str(tmp_path / "session.key")) == keys(file_of(tmp_path)) == []


@pytest.mark.parametrize(
    ("line", "mode", "why"), [(NEW, 0o640, "has mode 0640; chmod 0600 it"), ("short", 0o600, "openssl rand -hex 32")]
)
def test_a_file_that_keeps_no_secret_makes_no_container(tmp_path: Path, line: str, mode: int, why: str) -> None:
    path = file_of(tmp_path, line, mode=mode)
    environment = Environment(lambda: (VALUES, KEY), SessionKeys(path, "f"))
    with pytest.raises(EnvChanged, match=why) as caught:
        environment.of(spec("a", transport="stdio", isolation="shared"))
    assert path in str(caught.value)
    assert line not in str(caught.value)


def test_the_keys_come_beside_the_servers_own_variables(tmp_path: Path) -> None:
    environment = Environment(lambda: (VALUES, KEY), SessionKeys(file_of(tmp_path, NEW), "f"))
    names = [each.partition("=")[0] for each in environment.of(spec("a", transport="stdio", isolation="pooled"))]
    assert names == ["TOKEN", VARIABLE]


def test_another_key_replaces_no_container_and_no_key_is_seen_in_a_run(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    specs = [spec(name, transport="stdio", isolation="pooled", command=["serve"]) for name in ("a", "b")]

    def converge(*lines: str) -> dict[str, Any]:
        environment = Environment(lambda: (VALUES, KEY), SessionKeys(file_of(tmp_path, *lines), POLICY.fleet))
        return reconcile(DesiredFleet(specs=specs, policy=POLICY, environment=environment), host_of(engine))

    first = converge(OLD)
    made = engine.of_fleet(POLICY.fleet)
    given = {each["Name"]: each["Config"]["Env"][-1] for each in made}
    assert len(given) == len(set(given.values())) == 2
    again = converge(NEW, OLD)
    assert (first["errors"], again["errors"], again["actions"]) == ([], [], [])
    assert engine.of_fleet(POLICY.fleet) == made
    seen = json.dumps([first, again, [{**each, "Config": {**each["Config"], "Env": []}} for each in made]])
    for secret in (OLD, NEW, *(value.partition("=")[2] for value in given.values())):
        assert secret not in seen
