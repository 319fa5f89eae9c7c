# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments that are kept secret, from the entry to what the engine gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, load_env, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver, Resolver

KEY = b"k" * 32
SECRET = "hunter2hunter2"
ENTRY = {
    "command": "docker",
    "args": ["run", "-i", "--rm", "example/db:1", "--dsn", "postgres://me:${DB_WORD}@db.example.com/app"],
    "orchestrator": {"secret_args": True},
}


def config(folder: Path, entry: dict[str, Any]) -> str:
    path = folder / "mcp.config.json"
    path.write_text(json.dumps({"mcpServers": {"db": entry}}))
    return str(path)


def read(path: str, secret: str = SECRET) -> Fleet:
    return read_fleet([path], None, KEY, Resolver(environment={"DB_WORD": secret}))


def test_the_values_travel_as_those_of_env_do(tmp_path: Path) -> None:
    path = config(tmp_path, ENTRY)
    (spec,) = read(path).specs
    values = load_env([path], None, Resolver(environment={"DB_WORD": SECRET}))["db"]
    assert spec.env == {name: value.digest(KEY, "db", name) for name, value in values.items()}
    words = [values[f"MCP_SECRET_ARG_{number}"].reveal() for number in (1, 2)]
    assert words == ["--dsn", f"postgres://me:{SECRET}@db.example.com/app"]
    assert spec.command == ()
    assert spec.bridge["secret_args"] == 2


def test_no_value_is_in_the_spec_or_what_people_read(tmp_path: Path) -> None:
    fleet = read(config(tmp_path, ENTRY))
    assert SECRET not in json.dumps([fleet.specs[0].to_dict(), fleet.explain, fleet.warnings])
    assert "command    (2 secret arguments)" in report(fleet)
    assert "MCP_SECRET_ARG" not in report(fleet)


def test_another_value_makes_another_container(tmp_path: Path) -> None:
    path = config(tmp_path, ENTRY)
    assert read(path).specs[0].generation != read(path, "another").specs[0].generation


def test_a_missing_value_is_told_where_its_argument_stands(tmp_path: Path) -> None:
    path = config(tmp_path, ENTRY)
    (error,) = read_fleet([path], None, KEY, Resolver(environment={})).errors
    assert error.path == "mcpServers.db.args[5]"
    assert "DB_WORD" in error.message


def test_without_the_key_such_an_argument_is_refused_and_the_way_out_named(tmp_path: Path) -> None:
    entry = {key: value for key, value in ENTRY.items() if key != "orchestrator"}
    (error,) = read(config(tmp_path, entry)).errors
    assert SECRET not in str(error)
    assert '"secret_args": true' in error.message


def test_a_check_that_asks_nobody_takes_references_in_arguments_and_flags_as_they_are(tmp_path: Path) -> None:
    args = ["run", "-i", "--memory", "${MEMORY}", "example/${IMAGE:-db}:1", "--url", "${DB_URL:-https://db}"]
    fleet = read_fleet([config(tmp_path, {"command": "docker", "args": args})], None, KEY, EmptyResolver())
    assert not fleet.errors
    assert fleet.specs[0].command == ("--url", "${DB_URL}")
    assert sum("is looked up on the host" in note for note in fleet.explain["db"]) == 3


def test_own_variables_that_name_each_other_end_in_the_reconcilers(tmp_path: Path) -> None:
    entry = {"command": "uvx", "args": ["hello-mcp==1.0", "--name", "${A}"], "env": {"A": "${B}", "B": "${A}"}}
    path = config(tmp_path, entry)
    fleet = read_fleet([path], None, KEY, Resolver(environment={"A": "x", "B": "y"}))
    assert not fleet.errors
    assert fleet.specs[0].command == ("--name", "y")
    assert read_fleet([path], None, KEY, EmptyResolver()).specs[0].command == ("--name", "${A}")


def test_an_own_variable_that_is_kept_in_a_store_under_its_own_name_is_a_secret(tmp_path: Path) -> None:
    entry = {"command": "uvx", "args": ["hello-mcp==1.0", "--url", "${URL}"], "env": {"URL": "${ssm:URL}"}}
    (error,) = read_fleet([config(tmp_path, entry)], None, KEY, Resolver(environment={"URL": "x"})).errors
    assert "everybody on the host could read" in error.message
