"""Clients that others wrote, through the bridge: the official SDKs of both generations and the conformance suite."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import run as conformance
from tests.conformance.node import CACHE, package
from tests.unit.bridge.client import Bridge, start

HERE = Path(conformance.__file__).resolve().parent
SERVER = [sys.executable, str(HERE / "server.py")]


@pytest.fixture(scope="module")
def bridge() -> Iterator[Bridge]:
    bridge = start(command=SERVER)
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0


@pytest.fixture(scope="module")
def first_generation() -> Path:
    """A Python with the SDK's 1.x, which many clients still use."""
    home = CACHE / "mcp-1"
    if not (home / "bin/python").exists():
        uv = shutil.which("uv")
        if uv is None:
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            install = [str(home / "bin/python"), "-m", "pip", "install", "--quiet"]
        else:
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(home)], check=True)
            install = [uv, "pip", "install", "--quiet", "--python", str(home / "bin/python")]
        subprocess.run([*install, "mcp>=1.20,<2"], check=True)
    return home / "bin/python"


def told(command: list[str], **more: Any) -> dict[str, Any]:
    """What a client printed."""
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **more)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def check(found: dict[str, Any]) -> None:
    assert found["server"] == "conformance"
    assert found["tools"] == 16
    assert found["progress"] == [0, 50, 100]
    assert found["logs"] == 3
    assert found["sampled"] == "LLM response: sampled"
    assert found["elicited"].startswith("User response: action=accept")
    assert found["resource"] == "This is the content of the static text resource."


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_the_python_sdk_of_the_first_generation_finds_everything(
    bridge: Bridge, first_generation: Path, transport: str
) -> None:
    url = bridge.url if transport == "http" else bridge.url.removesuffix("mcp") + "sse"
    check(told([str(first_generation), str(HERE / "client_python.py"), url, transport]))


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_the_typescript_sdk_finds_everything(bridge: Bridge, transport: str) -> None:
    folder = CACHE / "typescript-sdk"
    env = package(folder, "@modelcontextprotocol/sdk@1")
    script = folder / "client.mjs"  # modules are looked for beside the script
    shutil.copy(HERE / "client_typescript.mjs", script)
    url = bridge.url if transport == "http" else bridge.url.removesuffix("mcp") + "sse"
    check(told(["node", str(script), url, transport], env=env))


@pytest.mark.parametrize(("isolation", "protocol"), [("per_session", "2025-11-25"), ("pooled", "2026-07-28")])
def test_the_python_sdk_of_the_second_generation_agrees_on_what_there_is(isolation: str, protocol: str) -> None:
    bridge = start("--isolation", isolation, command=SERVER)
    try:
        bridge.wait_healthy()
        found = told([sys.executable, str(HERE / "client_python.py"), bridge.url, "second"])
    finally:
        bridge.stop()
    assert found["protocol"] == protocol
    assert found["tools"] == 16
    assert found["progress"] == [0, 50, 100]
    assert found["simple"] == "This is a simple text response for testing."


def test_the_official_conformance_suite_passes() -> None:
    found = conformance.run()
    assert found.returncode == 0, found.stdout[-4000:]
    summary = found.stdout.partition("=== SUMMARY ===")[2]
    assert summary.count("✓") > 30
    assert "✗" not in summary


def test_the_suite_for_the_newest_revision_passes_in_front_of_an_older_server() -> None:
    found = conformance.run_newer()
    assert found.returncode == 0, found.stdout[-4000:]
    summary = found.stdout.partition("=== SUMMARY ===")[2]
    for scenario in ("http-header-validation", "http-custom-header-server-validation", "caching"):
        assert f"✓ {scenario}: " in summary
