"""Servers that a config starts with npx or uvx are built from the registries' packages, and answer MCP."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import jsonschema
import pytest
import referencing.jsonschema
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import DockerEngine
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.builder import Limits, StepFailed, run_build
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.plan import Renewal
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.reconcile import DesiredImages, Outcome, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.program import main as make_template
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.config.docker_run_arguments import (
    run_arguments_of,
)
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.e2e.support.site import PROJECT
from tests.e2e.support.waiting import until

BASES = {"python": "mcp-base/python:3.11", "node": "mcp-base/node:20"}
CANARY = "canary-6f2b0c9a51d7"
SERVERS = {
    "uvx": {"command": "uvx", "args": ["mcp-server-time", "--local-timezone=Etc/UTC"]},
    "module": {"command": "python", "args": ["-m", "mcp_server_time"]},
    "secret": {
        "command": "uvx",
        "args": ["mcp-server-time", "--local-timezone=Etc/UTC"],
        "env": {"API_TOKEN": CANARY},
    },
    "npx": {"template": "server-everything@1"},
    "missing": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-that-nobody-wrote"]},
    "program": {"command": "uvx", "args": ["--from", "mcp-server-time", "another-program"]},
}

# https://github.com/modelcontextprotocol/servers/blob/main/src/everything/server.json, with its version
VERSION = "2026.8.31"
EVERYTHING = {"registryType": "npm", "identifier": "@modelcontextprotocol/server-everything", "version": VERSION}
PUBLISHED = {
    "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    "name": "io.github.modelcontextprotocol/server-everything",
    "description": "MCP server that exercises all the features of the MCP protocol",
    "version": VERSION,
    "packages": [
        {
            **EVERYTHING,
            "runtimeHint": "npx",
            "packageArguments": [{"type": "positional", "value": "stdio", "valueHint": "transport"}],
            "transport": {"type": "stdio"},
        },
        {
            **EVERYTHING,
            "packageArguments": [{"type": "positional", "value": "streamableHttp", "valueHint": "transport"}],
            "environmentVariables": [{"name": "PORT", "description": "Port.", "default": "3001"}],
            "transport": {"type": "streamable-http", "url": "http://localhost:{PORT}/mcp"},
        },
    ],
}


def build(fleet: Fleet, sboms: Path, *rebuild: str) -> Outcome:
    with closing(DockerEngine(timeout=1800)) as engine, engine.client("build images") as client:
        templates = str(PROJECT / "files" / "templates" / "runtimes")
        desired = DesiredImages(fleet.specs, templates, BASES, sboms=str(sboms), renewal=Renewal(rebuild))
        return reconcile(client, desired, dry_run=False)


@pytest.fixture(scope="module")
def sboms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the bills of materials."""
    return tmp_path_factory.mktemp("var") / "sbom"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, sboms: Path) -> Iterator[tuple[Fleet, Outcome]]:
    """The servers' specs, and what came of building them; the images are removed in the end."""
    config = tmp_path_factory.mktemp("packages") / "mcp.config.json"
    config.write_text(json.dumps({"mcpServers": SERVERS}))
    published, templates = config.with_name("server.json"), config.with_name("templates")
    published.write_text(json.dumps(PUBLISHED))
    templates.mkdir()
    assert make_template([str(published), "--to", str(templates)]) == 0
    fleet = read_fleet([str(config)], None, b"k" * 32)
    assert not fleet.errors
    client = docker.from_env()
    before = {tag for image in client.images.list() for tag in image.tags}
    try:
        yield fleet, build(fleet, sboms)
    finally:
        for spec in fleet.specs:
            if spec.image not in before and client.images.list(spec.image):
                client.images.remove(spec.image, force=True)


# What the image itself says that it has, by other means than those that made its bill of materials.
PIP_LIST = (
    "/opt/server/bin/python",
    "-c",
    "from importlib.metadata import distributions as d\nfor each in d(): print(each.name, each.version)",
)
NPM_LIST = (
    "node",
    "-e",
    "const fs = require('fs'), walk = (folder) => { for (const name of fs.readdirSync(folder)) {\n"
    "  if (name.startsWith('.')) continue;\n"
    "  if (name.startsWith('@')) { walk(`${folder}/${name}`); continue; }\n"
    "  const found = JSON.parse(fs.readFileSync(`${folder}/${name}/package.json`));\n"
    "  console.log(found.name, found.version);\n"
    "  if (fs.existsSync(`${folder}/${name}/node_modules`)) walk(`${folder}/${name}/node_modules`); } };\n"
    "walk('/opt/server/node_modules')",
)


def inside(image: str, program: str, *arguments: str) -> str:
    """What a program says in the image."""
    output: bytes = docker.from_env().containers.run(image, list(arguments), entrypoint=program, remove=True)
    return output.decode().strip()


def context_of(dockerfile: str, script: str) -> bytes:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, text in (("Dockerfile", dockerfile), ("show.py", script)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return context.getvalue()


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
    assert tool in asyncio.run(asyncio.wait_for(tools(spec), 120))


def test_what_was_installed_is_recorded(built: tuple[Fleet, Outcome]) -> None:
    images: dict[str, Any] = {server: image for image in built[1].images for server in image["servers"]}
    assert images["uvx"]["package"] == "mcp-server-time"
    assert images["uvx"]["digest"].startswith("sha256:")
    assert images["npx"]["package"] == "@modelcontextprotocol/server-everything"
    assert images["npx"]["version"].removeprefix("==") == VERSION
    assert images["npx"]["digest"].startswith("sha512-")
    assert all(image["version"] for image in images.values())


def test_what_cannot_be_built_fails_alone_with_the_reason(built: tuple[Fleet, Outcome]) -> None:
    errors = {error["server"]: error["message"] for error in built[1].errors}
    assert set(errors) == {"missing", "program"}
    assert "404 Not Found" in errors["missing"]
    assert "has no program 'another-program'; it has: mcp-server-time" in errors["program"]


def buildable(fleet: Fleet) -> Fleet:
    return Fleet(fleet.settings, [spec for spec in fleet.specs if spec.name in {"uvx", "module", "npx"}])


def test_a_second_build_leaves_everything_alone(built: tuple[Fleet, Outcome], sboms: Path) -> None:
    again = build(buildable(built[0]), sboms)
    assert not again.changed
    assert not again.errors


def test_the_bill_of_materials_lists_every_package_that_the_image_has(
    built: tuple[Fleet, Outcome], sboms: Path
) -> None:
    images = {server: image for image in built[1].images for server in image["servers"]}
    for server, program in (("uvx", PIP_LIST), ("npx", NPM_LIST)):
        image = images[server]
        document = json.loads(Path(image["sbom"]).read_text())
        assert document["metadata"]["component"]["version"] == image["id"]
        base, *own = document["components"]
        listed = {f"{each['name']} {each['version']}".lower().replace("_", "-") for each in own}
        found = inside(image["image"], *program).lower().replace("_", "-")
        assert set(found.splitlines()) == listed
        assert base["name"] == BASES["python" if server == "uvx" else "node"]
        installed = inside(image["image"], "dpkg-query", "-W", "-f", "${Package} ${Version}\\n").splitlines()
        assert {f"{each['name']} {each['version']}" for each in base["components"] if ":deb/" in each["purl"]} == set(
            installed
        )


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> jsonschema.Draft7Validator:
    """CycloneDX's own schema, out of the library that the audit's lock pins; only its files are used."""
    folder = tmp_path_factory.mktemp("schema")
    lock = (PROJECT / "requirements-audit.lock").read_text()
    (pinned,) = re.findall(r"^cyclonedx-python-lib==.*(?:\n    --hash.*)+", lock, re.M)
    (folder / "requirements.txt").write_text(pinned.rstrip("\\ "))
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "--target", str(folder)]
    subprocess.run([*pip, "-r", str(folder / "requirements.txt")], check=True, capture_output=True)
    files = folder / "cyclonedx" / "schema" / "_res"
    main, *others = (
        json.loads((files / f"{name}.SNAPSHOT.schema.json").read_text()) for name in ("bom-1.6", "spdx", "jsf-0.82")
    )
    registry = referencing.Registry().with_resources(
        [(each["$id"], referencing.jsonschema.DRAFT7.create_resource(each)) for each in others]
    )
    return jsonschema.Draft7Validator(main, registry=registry)


def test_the_bills_of_materials_keep_to_the_schema_of_cyclonedx(
    built: tuple[Fleet, Outcome], sboms: Path, schema: jsonschema.Draft7Validator
) -> None:
    documents = [json.loads(path.read_text()) for path in sboms.iterdir()]
    runtime = [sys.executable, "-m", "bridge.runtime.sbom"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "files")}
    documents.append(json.loads(subprocess.check_output(runtime, env=environment)))
    for document in documents:
        assert not [error.message for error in schema.iter_errors(document)]
    assert list(schema.iter_errors({**documents[0], "specVersion": 16}))


def test_packages_are_installed_by_nobody_in_particular_and_are_read_only_to_the_server(
    built: tuple[Fleet, Outcome],
) -> None:
    for image in built[1].images:
        assert inside(image["image"], "id", "-u") == "10001"
        owners = inside(image["image"], "find", "/opt/server", "-user", "10001", "-o", "-writable", "!", "-type", "l")
        assert owners == ""
        changed = docker.from_env().api.history(image["image"])
        users = [step["CreatedBy"] for step in changed if "USER" in step["CreatedBy"]]
        install = next(
            i for i, step in enumerate(changed) if " install" in step["CreatedBy"] and "apt" not in str(step)
        )
        before = [step["CreatedBy"] for step in changed[install:] if "USER" in step["CreatedBy"]]
        assert "10002:10002" in before[0], users


def test_no_value_of_a_variable_gets_into_an_image_or_its_bill_of_materials(
    built: tuple[Fleet, Outcome], sboms: Path
) -> None:
    client = docker.from_env()
    (image,) = {spec.image for spec in built[0].specs if spec.name == "secret"}
    known = [client.api.inspect_image(image), client.api.history(image)]
    assert CANARY not in json.dumps(known)
    assert not [path for path in sboms.iterdir() if CANARY in path.read_text()]
    tail = b""
    for chunk in client.images.get(image).save():
        assert CANARY.encode() not in tail + chunk
        tail = chunk[-len(CANARY) :]


def test_a_rebuild_makes_another_image_and_its_bill_of_materials(built: tuple[Fleet, Outcome], sboms: Path) -> None:
    (before,) = (image["id"] for image in built[1].images if "uvx" in image["servers"])
    again = build(buildable(built[0]), sboms, "uvx")
    (image,) = (image for image in again.images if "uvx" in image["servers"])
    assert image["reason"] == "its rebuild was requested"
    assert image["id"] != before
    assert Path(image["sbom"]).exists()
    # The image of before has no container: it goes, and its bill with the next look.
    build(buildable(built[0]), sboms)
    assert not [path for path in sboms.iterdir() if before.removeprefix("sha256:") in path.name]
    assert [image["action"] for image in again.images if "npx" in image["servers"]] == ["none"]


LIMITS = Limits(memory=64 * 1024**2, cpus=0.5, timeout=60)
SHOW = """
import glob
for name in ("memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes", "cpu/cpu.cfs_quota_us",
             "memory.max", "memory.swap.max", "cpu.max"):
    for path in glob.glob("/sys/fs/cgroup/" + name):
        print(name, open(path).read().strip())
"""


def attempt(step: str, limits: Limits) -> None:
    """Builds an image of one step and removes it. Raises ImageError."""
    context = context_of(f"FROM {BASES['python']}\nCOPY show.py /\nRUN {step}\n", SHOW)
    with closing(DockerEngine(timeout=1800)) as engine, engine.client("build images") as client:
        client.remove_image(run_build(client, context, limits, nocache=True))


def test_a_build_has_the_limits_that_it_is_given() -> None:
    # The step fails, so that what it printed is seen.
    with pytest.raises(StepFailed) as failed:
        attempt("python3 /show.py; exit 3", LIMITS)
    said = dict(line.split(" ", 1) for line in failed.value.log.splitlines() if " " in line)
    if "memory.max" in said:
        assert (said["memory.max"], said["memory.swap.max"], said["cpu.max"]) == (str(64 << 20), "0", "50000 100000")
    else:
        assert said["memory/memory.limit_in_bytes"] == said["memory/memory.memsw.limit_in_bytes"] == str(64 << 20)
        assert said["cpu/cpu.cfs_quota_us"] == "50000"


def test_a_build_over_its_memory_is_killed_and_says_so() -> None:
    with pytest.raises(ImageError, match=r"at the limit of 64 MiB of memory; set \[builds\] memory"):
        attempt("python3 -c 'bytearray(200 << 20)'", LIMITS)


def test_a_build_over_its_time_ends_and_leaves_nothing_running() -> None:
    client = docker.from_env()
    begun = time.monotonic()
    with pytest.raises(ImageError, match="it took over 2 s"):
        attempt("sleep 4711", Limits(timeout=2))
    assert time.monotonic() - begun < 600
    until(
        lambda: not [each for each in client.containers.list() if "sleep 4711" in str(each.attrs["Config"]["Cmd"])],
        "the build's container is gone",
    )


def test_nothing_of_the_build_is_left_running(built: tuple[Fleet, Outcome]) -> None:
    left = docker.from_env().containers.list(all=True, filters={"label": "mcp_recipe=reading"})
    assert not left
