# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.pinning import (
    moving_tag,
    unpinned_packages,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe

DIGEST = "sha256:" + "a" * 64
COMMIT = "c" * 40


def read(tmp_path: Path, settings: str = "", **entry: Any) -> Fleet:
    (tmp_path / "mcp.config.json").write_text(json.dumps({"mcpServers": {"x": entry}}))
    (tmp_path / "settings.conf").write_text(settings)
    return read_fleet([str(tmp_path / "mcp.config.json")], str(tmp_path / "settings.conf"), b"k" * 32)


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("mcp/time", "latest"),
        ("mcp/time:latest", "latest"),
        ("registry.example.com:5000/mcp/time", "latest"),
        ("ghcr.io/x/y:main", "main"),
        ("mcp/time:1.2", None),
        ("registry.example.com:5000/mcp/time:1", None),
        (f"mcp/time@{DIGEST}", None),
        (f"mcp/time:latest@{DIGEST}", None),
    ],
)
def test_a_tag_that_moves_is_noticed(image: str, tag: str | None) -> None:
    assert moving_tag(image) == tag


@pytest.mark.parametrize(
    ("recipe", "better"),
    [
        (Recipe("node", "@scope/x"), ["@scope/x@VERSION"]),
        (Recipe("node", "x", "^1.2.3"), ["x@VERSION"]),
        (Recipe("node", "x", "next"), ["x@VERSION"]),
        (Recipe("node", "x", "1.2"), ["x@VERSION"]),
        (Recipe("node", "x", "1.2.3", ("y", "@s/z@2.0.0-rc.1")), ["y@VERSION"]),
        (Recipe("node", "git+https://github.com/a/b.git", git=True), ["git+https://github.com/a/b.git#COMMIT"]),
        (Recipe("node", "git+https://github.com/a/b.git#main", git=True), ["git+https://github.com/a/b.git#COMMIT"]),
        (Recipe("node", f"git+https://github.com/a/b.git#{COMMIT}", git=True), []),
        (Recipe("node", "https://example.com/x-1.0.0.tgz"), []),
        (Recipe("python", "x"), ["x==VERSION"]),
        (Recipe("python", "x[a]", ">=1"), ["x[a]==VERSION"]),
        (Recipe("python", "x", "==1.*"), ["x==VERSION"]),
        (Recipe("python", "x", "==1.2", ("y==3", "z~=1")), ["z==VERSION"]),
        (Recipe("python", "git+https://host/a.git@v1", git=True), ["git+https://host/a.git@COMMIT"]),
        (Recipe("python", "x @ git+https://host/a.git", git=True), ["git+https://host/a.git@COMMIT"]),
        (Recipe("python", f"git+https://host/a.git@{COMMIT}#subdirectory=s", git=True), []),
        (Recipe("python", "x @ https://host/x-1-py3-none-any.whl"), []),
    ],
)
def test_a_package_without_one_version_is_noticed_with_what_to_write(recipe: Recipe, better: list[str]) -> None:
    assert [written for _text, written in unpinned_packages(recipe)] == better


def test_the_notes_say_where_and_what_to_write(tmp_path: Path) -> None:
    fleet = read(tmp_path, command="npx", args=["-y", "some-server"])
    assert (
        "args: 'some-server' is installed in the version that is current when the image is built;"
        " some-server@VERSION pins it" in fleet.explain["x"]
    )
    fleet = read(tmp_path, command="docker", args=["run", "-i", "mcp/time"])
    assert (
        "args[2]: 'mcp/time' is what its registry has as 'latest' when it is pulled; a version or a digest pins it"
        in fleet.explain["x"]
    )
    assert not fleet.errors
    assert not fleet.warnings


def test_images_without_a_digest_are_refused_where_digests_are_required(tmp_path: Path) -> None:
    settings = "[security]\nrequire_digests = true\n"
    fleet = read(tmp_path, settings, command="docker", args=["run", "-i", "mcp/time:1"])
    (error,) = fleet.errors
    assert error.path == "mcpServers.x.args[2]"
    assert "'mcp/time:1' has no digest" in error.message
    assert f"write mcp/time:1@{DIGEST[:7]}…" in error.message
    assert not read(tmp_path, settings, command="docker", args=["run", "-i", f"mcp/time:1@{DIGEST}"]).errors
    # What is built here has no digest before: its base must have one (mcp_image).
    assert not read(tmp_path, settings, command="uvx", args=["x==1"]).errors
