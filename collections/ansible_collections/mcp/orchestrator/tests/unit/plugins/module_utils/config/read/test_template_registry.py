# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, load_env, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import TemplateRegistry

KEY = b"k" * 32
VERSION = {
    "image": "example/one:1",
    "arguments": ["serve"],
    "env": {"LEVEL": "info"},
    "required_env": {"TOKEN": "a token"},
    "orchestrator": {"isolation": "pooled", "replicas": 2},
}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Fleet]:
    def read_with(template: Any, entry: dict[str, Any]) -> Fleet:
        (tmp_path / "templates").mkdir(exist_ok=True)
        (tmp_path / "templates" / "one.json").write_text(json.dumps(template))
        config = tmp_path / "mcp.config.json"
        config.write_text(json.dumps({"mcpServers": {"x": entry}}))
        return read_fleet([str(config)], None, KEY)

    return read_with


def test_an_entry_of_a_template_gets_what_the_template_says_and_its_own_goes_before(
    read: Callable[..., Fleet], tmp_path: Path
) -> None:
    entry = {"template": "one@1", "env": {"TOKEN": "t", "LEVEL": "debug"}, "orchestrator": {"replicas": 1}}
    fleet = read({"versions": {"1": VERSION}}, {**entry, "args": ["--more"]})
    (spec,) = fleet.specs
    assert (spec.image, spec.command, spec.isolation, spec.replicas) == (
        "example/one:1",
        ("serve", "--more"),
        "pooled",
        1,
    )
    env = load_env([str(tmp_path / "mcp.config.json")], None)["x"]
    assert {name: value.reveal() for name, value in env.items()} == {"TOKEN": "t", "LEVEL": "debug"}


def test_the_spec_names_the_template_and_that_makes_no_other_generation(read: Callable[..., Fleet]) -> None:
    (made,) = read({"versions": {"1": {"image": "x/y"}}}, {"template": "one@1"}).specs
    (plain,) = read({"versions": {}}, {"command": "docker", "args": ["run", "x/y"]}).specs
    assert (made.template, plain.template) == ("one@1", None)
    assert made.generation == plain.generation


def test_a_template_may_be_a_package(read: Callable[..., Fleet]) -> None:
    version = {"command": "uvx", "args": ["mcp-server-time"]}
    (spec,) = read({"versions": {"3": version}}, {"template": "one@3"}).specs
    assert spec.build is not None
    assert spec.build["package"] == "mcp-server-time"


def test_a_missing_variable_names_the_template_and_what_it_is(read: Callable[..., Fleet]) -> None:
    (error,) = read({"versions": {"1": VERSION}}, {"template": "one@1"}).errors
    assert str(error) == ("mcp.config.json: mcpServers.x.env.TOKEN: is missing: the template 'one@1' needs it: a token")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ([], "templates/one.json: must be an object"),
        ({"versions": {"x": VERSION}}, "'x' is not a version; use digits"),
        ({"versions": {"1": {}}}, "versions.1: needs either an image or a command"),
        ({"versions": {"1": {**VERSION, "img": ""}}}, "versions.1.img: is not a key of a template"),
        ({"version": {}}, "version: is not a key of a template"),
        ({"versions": {"1": {"image": 7}}}, "versions.1.image: must be an image"),
    ],
)
def test_a_template_that_is_wrong_fails_the_server_alone(
    read: Callable[..., Fleet], template: Any, message: str
) -> None:
    (error,) = read(template, {"template": "one@1"}).errors
    assert "mcpServers.x.template: cannot be read: " in str(error)
    assert message in str(error)


def test_a_folder_without_templates_has_none(tmp_path: Path) -> None:
    assert TemplateRegistry(str(tmp_path / "none")).names() == []
    assert TemplateRegistry().names() == []
