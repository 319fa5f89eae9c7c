# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of an MCPB bundle becomes a template, as far as a container can run what it starts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.conversion import convert

KEY = {"type": "string", "title": "Key", "description": "a key", "sensitive": True, "required": True}


def manifest(launch: Any = None, kind: str = "node", **more: Any) -> dict[str, Any]:
    usual = {"command": "node", "args": ["${__dirname}/server/index.js"]}
    server = {"type": kind, "entry_point": "server/index.js", "mcp_config": usual if launch is None else launch}
    return {
        "manifest_version": "0.3",
        "name": "Notes",
        "version": "1.0.0",
        "description": "Keeps notes.",
        "author": {"name": "Acme"},
        "server": server,
        **more,
    }


def made(*arguments: Any, **more: Any) -> dict[str, Any]:
    found = convert(manifest(*arguments, **more))
    assert found.template is not None, [str(each) for each in found.errors]
    version: dict[str, Any] = found.template["versions"]["1"]
    return version


def test_what_the_bundle_brings_along_is_mounted_from_where_it_is_unpacked() -> None:
    found = convert(manifest(tools=[{"name": "a"}], prompts_generated=True))
    assert found.template == {
        "description": "Keeps notes.",
        "capabilities": ["tools", "prompts"],
        "versions": {
            "1": {
                "image": "node:22-slim",
                "arguments": ["node", "/bundle/server/index.js"],
                "orchestrator": {"volumes": ["/srv/mcp/notes:/bundle:ro"]},
            }
        },
    }
    assert "unzip -d /srv/mcp/notes" in str(found.notes[0])


def test_a_package_runner_needs_nothing_of_the_bundle() -> None:
    launch = {"command": "npx", "args": ["-y", "--package=@acme/notes", "notes"], "env": {"KEY": "${user_config.key}"}}
    version = made(launch, user_config={"key": KEY})
    assert version == {
        "command": "npx",
        "args": ["-y", "--package=@acme/notes", "notes"],
        "required_env": {"KEY": "a key; a secret"},
    }


def test_python_finds_what_is_bundled() -> None:
    launch = {"command": "python", "args": ["server/main.py"], "env": {"PYTHONPATH": "${__dirname}/server/lib"}}
    value = manifest(launch, "python")
    value["server"]["entry_point"] = "server/main.py"
    found = convert(value)
    assert found.template is not None
    version = found.template["versions"]["1"]
    assert version["arguments"] == ["python3", "/bundle/server/main.py"]
    assert version["env"] == {"PYTHONPATH": "/bundle/server/lib"}


def test_options_are_offered_or_asked_for() -> None:
    launch = {
        "command": "node",
        "args": [
            "${__dirname}/a.js",
            "--max=${user_config.max}",
            "${user_config.dirs}",
            "${user_config.key}",
            "${user_config.opt}",
        ],
        "env": {"LEVEL": "${user_config.level}", "AUTH": "Bearer ${user_config.key}", "OPT": "${user_config.opt}"},
    }
    options = {
        "max": {"type": "number", "title": "Max", "description": "m", "default": 10, "min": 1},
        "dirs": {"type": "directory", "title": "D", "description": "d", "multiple": True, "default": ["/a", "/b"]},
        "key": KEY,
        "level": {"type": "string", "title": "L", "description": "l", "default": "info"},
        "opt": {"type": "string", "title": "O", "description": "o"},
    }
    found = convert(manifest(launch, user_config=options))
    assert found.template is not None
    version = found.template["versions"]["1"]
    assert version["arguments"][2:] == ["--max=${ARG_MAX:-10}", "/a", "/b", "${ARG_KEY}"]
    assert version["env"] == {"LEVEL": "info"}
    assert version["required_env"] == {
        "ARG_KEY": "a key; a secret",
        "AUTH": "a key; a secret, as Bearer <…>",
    }
    assert version["orchestrator"]["secret_args"] is True
    named = {each.key for each in found.notes}
    assert {"server.mcp_config.args[4]", "server.mcp_config.env.OPT", "user_config.dirs.type"} <= named


def test_a_folder_of_the_clients_machine_is_asked_for() -> None:
    folder = {"type": "directory", "title": "D", "description": "d", "default": "${HOME}/Desktop"}
    launch = {"command": "npx", "args": ["-y", "notes", "${user_config.dir}"]}
    version = made(launch, user_config={"dir": folder})
    assert version["required_env"] == {"ARG_DIR": "d"}


def test_what_it_says_of_linux_goes_first() -> None:
    launch = {
        "command": "server/notes.exe",
        "args": ["--windows"],
        "env": {"A": "1"},
        "platform_overrides": {"linux": {"command": "server/notes", "args": [], "env": {"B": "2"}}},
    }
    version = made(launch, "binary")
    assert version["arguments"] == ["/bundle/server/notes"]
    assert version["env"] == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (manifest(kind="uv"), "server.type: 'uv' is not made into a template"),
        (manifest({}), "server.mcp_config: has no command"),
        (manifest(compatibility={"platforms": ["darwin"]}), "compatibility.platforms: has darwin and not linux"),
        (manifest({"command": "node", "args": ["${user_config.no}"]}), "'no' is not an option of user_config"),
        (manifest({"command": "node", "args": ["${HOME}/x"]}), "args[0]: ${HOME} is filled in by a client"),
        (manifest({"command": "npx", "args": ["-y", "x"], "env": {"A": "${file:/etc/shadow}"}}), "env.A"),
        (manifest({"command": "node", "args": "x"}), "server.mcp_config.args: must be a list of strings"),
        (manifest(user_config={"a": {"type": "text"}}), "user_config.a.type: must be one of string"),
        (manifest(kind="java"), "server.type: must be one of node, python, binary, uv, not 'java'"),
    ],
)
def test_what_cannot_be_made_into_a_template_is_told(value: Any, said: str) -> None:
    found = convert(value)
    assert found.template is None
    assert any(said in str(each) for each in found.errors), [str(each) for each in found.errors]


def test_every_key_that_has_no_place_is_named() -> None:
    compatibility = {"claude_desktop": ">=1", "runtimes": {"node": ">=18"}, "platforms": ["linux"]}
    found = convert(manifest(manifest_version="0.9", mood="good", compatibility=compatibility))
    assert {each.key for each in found.notes} == {
        "manifest_version",
        "mood",
        "compatibility.claude_desktop",
        "compatibility.runtimes.node",
        "server.entry_point",
    }
