# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

Read = Callable[..., Fleet]


def entry(requires: Any, *args: str, **more: Any) -> dict[str, Any]:
    return {"command": "docker", "args": ["run", *args, "one"], "orchestrator": {"requires": requires}, **more}


def errors(fleet: Fleet) -> list[str]:
    return [f"{error.path.partition('orchestrator.')[2]}: {error.message}" for error in fleet.errors]


def test_requirements_are_specs_of_their_own_in_the_order_in_which_they_stand(read: Read) -> None:
    db = {"image": "pg:1", "health": ["ok"], "user": "postgres", "resources": {"memory": "64m"}, "tmpfs": ["/run/pg"]}
    fleet = read({"x": entry({"later": {"image": "pg:1", "condition": "completed"}, "db": db})})
    assert fleet.errors == []
    later, found = fleet.specs[0].requirements
    assert [each.name for each in (later, found)] == ["x.later", "x.db"]
    assert (later.is_step, later.condition, later.start_timeout, later.alias) == (True, "completed", 300, "later")
    assert (found.condition, found.start_timeout, found.memory) == ("healthy", 60, 64 * 1024**2)
    assert (found.read_only, found.tmpfs, found.egress.kind) == (True, ("/run/pg", "/tmp"), EgressKind.NONE)
    assert Spec.from_dict(fleet.specs[0].to_short_dict()).requirements == [later, found]
    assert "later (pg:1) has run once, then db (pg:1) is well" in report(fleet)


def test_a_change_of_what_a_server_requires_makes_no_new_container_of_the_server(read: Read) -> None:
    (one,) = read({"x": entry({"db": {"image": "pg:1"}})}).specs
    (other,) = read({"x": entry({"db": {"image": "pg:2"}})}).specs
    assert one.generation == other.generation
    assert one.requirements[0].generation != other.requirements[0].generation


def test_a_variable_may_be_the_entrys_own_and_only_its_digest_is_kept(read: Read) -> None:
    servers = {"x": entry({"db": {"image": "pg:1", "env": {"PW": "a ${PW}"}}}, "-e", "PW", env={"PW": "sw0rdfish"})}
    fleet = read(servers)
    (db,) = fleet.specs[0].requirements
    assert list(db.env) == ["PW"]
    assert "sw0rdfish" not in repr(fleet.specs)


def test_a_variable_that_a_requirement_alone_uses_is_not_told_to_be_of_no_use(read: Read) -> None:
    used = {"db": {"image": "pg:1", "env": {"PW": "${PW}", "URL": "a:${env:USER_NAME:-x}", "NONE": None}}}
    env = {"PW": "sw0rdfish", "USER_NAME": "u", "OTHER": "o"}
    (warning,) = read({"x": entry(used, env=env)}).warnings
    assert "env.OTHER" in warning


@pytest.mark.parametrize(
    ("requires", "path", "message"),
    [
        ({"db": {}}, "requires.db.image", "is missing"),
        ({"Db": {"image": "pg:1"}}, "requires.Db", "is not the name of a requirement"),
        ({"db": {"image": "pg:1", "condition": "up"}}, "requires.db.condition", "must be one of started, healthy"),
        ({"db": {"image": "pg:1", "condition": "healthy"}}, "requires.db.condition", "needs health"),
        (
            {"db": {"image": "pg:1", "condition": "completed", "health": ["ok"]}},
            "requires.db.health",
            "has no use in a step",
        ),
        ({"db": {"image": "pg:1", "volumes": ["/etc:/x"]}}, "requires.db.volumes[0]", "is not allowed"),
        ({"db": {"image": "pg:1", "tmpfs": ["run"]}}, "requires.db.tmpfs[0]", "needs an absolute path"),
        ({"db": {"image": "pg:1", "command": ["--password", "hunter22"]}}, "requires.db.command[1]", "put it into env"),
        ({"db": {"image": "pg:1", "env": {"A": "${file:/nowhere}"}}}, "requires.db.env.A", "'${file:/nowhere}'"),
        ({"db": {"image": "pg:1", "env": {"A": "${header:X}"}}}, "requires.db.env.A", "takes a client's header"),
    ],
)
def test_a_mistake_is_told_where_it_stands(read: Read, requires: Any, path: str, message: str) -> None:
    found = errors(read({"x": entry(requires), "good": {"command": "docker", "args": ["run", "one"]}}))
    assert any(each.startswith(f"{path}: ") and message in each for each in found), found
    assert len(found) == 1


def test_a_key_that_no_requirement_has_is_told(read: Read) -> None:
    fleet = read({"x": entry({"db": {"image": "pg:1", "ports": ["5432:5432"]}})})
    assert any("orchestrator.requires.db.ports: is ignored" in each for each in fleet.warnings)


def test_a_server_in_a_network_that_has_no_room_for_another_cannot_require_anything(read: Read) -> None:
    host = read({"x": entry({"db": {"image": "pg:1"}}, "--network", "host")}, "[security]\nallow_host_network = true\n")
    assert any("a network that the server shares with them" in each for each in errors(host)), errors(host)


def test_a_server_may_not_be_called_as_what_another_requires(read: Read) -> None:
    fleet = read({"x": entry({"db": {"image": "pg:1"}}), "x.db": {"command": "docker", "args": ["run", "one"]}})
    assert [error.server for error in fleet.errors] == ["x"]


def test_requirements_of_one_server_share_a_volume_and_those_of_two_do_not(read: Read) -> None:
    data = {"image": "pg:1", "volumes": ["data:/data"]}
    both = {"init": {**data, "condition": "completed"}, "db": data}
    assert read({"x": entry(both)}).errors == []
    assert {error.server for error in read({"x": entry(both), "y": entry(both)}).errors} == {"x", "y"}


def test_images_of_requirements_need_a_digest_where_all_do(read: Read) -> None:
    pinned = f"one@sha256:{'0' * 64}"
    servers = {"x": {**entry({"db": {"image": "pg:1"}}), "args": ["run", pinned]}}
    assert errors(read(servers, "[security]\nrequire_digests = true\n"))[0].startswith("requires.db.image: ")
