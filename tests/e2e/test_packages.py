"""Servers that a config starts with npx or uvx are built from the registries' packages, and answer MCP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.run_command import run_arguments_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.converge import Outcome, converge_images
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.engine import engine
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.e2e.site import PROJECT

BASES = {"python": "mcp-base/python:3.11", "node": "mcp-base/node:20"}
SERVERS = {
    "uvx": {"command": "uvx", "args": ["mcp-server-time", "--local-timezone=Etc/UTC"]},
    "module": {"command": "python", "args": ["-m", "mcp_server_time"]},
    "npx": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-everything", "stdio"]},
    "missing": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-that-nobody-wrote"]},
    "program": {"command": "uvx", "args": ["--from", "mcp-server-time", "another-program"]},
}


def build(fleet: Fleet) -> Outcome:
    with engine(None) as client:
        templates = str(PROJECT / "files" / "templates" / "runtimes")
        return converge_images(client, fleet.specs, templates, BASES, dry_run=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, Outcome]]:
    """The servers' specs, and what came of building them; the images are removed in the end."""
    config = tmp_path_factory.mktemp("packages") / "mcp.config.json"
    config.write_text(json.dumps({"mcpServers": SERVERS}))
    fleet = read_fleet([str(config)], None, b"k" * 32)
    assert not fleet.errors
    client = docker.from_env()
    before = {tag for image in client.images.list() for tag in image.tags}
    try:
        yield fleet, build(fleet)
    finally:
        for spec in fleet.specs:
            if spec.image not in before and client.images.list(spec.image):
                client.images.remove(spec.image, force=True)


async def tools(spec: Spec) -> set[str]:
    # As hard as the product's own containers.
    hard = ["--rm", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    server = StdioServerParameters(command="docker", args=["run", *hard, *run_arguments_of(spec)])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        return {tool.name for tool in (await session.list_tools()).tools}


@pytest.mark.parametrize(("name", "tool"), [("uvx", "convert_time"), ("module", "convert_time"), ("npx", "echo")])
def test_a_package_answers_mcp_in_a_hardened_container(built: tuple[Fleet, Outcome], name: str, tool: str) -> None:
    (spec,) = (spec for spec in built[0].specs if spec.name == name)
    assert tool in asyncio.run(asyncio.wait_for(tools(spec), 60))


def test_what_was_installed_is_recorded(built: tuple[Fleet, Outcome]) -> None:
    images: dict[str, Any] = {image["servers"][0]: image for image in built[1].images}
    assert images["uvx"]["package"] == "mcp-server-time"
    assert images["uvx"]["digest"].startswith("sha256:")
    assert images["npx"]["package"] == "@modelcontextprotocol/server-everything"
    assert images["npx"]["digest"].startswith("sha512-")
    assert all(image["version"] for image in images.values())


def test_what_cannot_be_built_fails_alone_with_the_reason(built: tuple[Fleet, Outcome]) -> None:
    errors = {error["server"]: error["message"] for error in built[1].errors}
    assert set(errors) == {"missing", "program"}
    assert "404 Not Found" in errors["missing"]
    assert "has no program 'another-program'; it has: mcp-server-time" in errors["program"]


def test_a_second_build_leaves_everything_alone(built: tuple[Fleet, Outcome]) -> None:
    again = build(Fleet(built[0].settings, [spec for spec in built[0].specs if spec.name in {"uvx", "module", "npx"}]))
    assert not again.changed
    assert not again.errors


def test_nothing_of_the_build_is_left_running(built: tuple[Fleet, Outcome]) -> None:
    left = docker.from_env().containers.list(all=True, filters={"label": "mcp_recipe=reading"})
    assert not left
