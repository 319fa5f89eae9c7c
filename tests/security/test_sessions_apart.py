"""In a container as the product makes it, under the engine's seccomp profile and ours, sessions are kept apart."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from bridge.process.landlock import Landlock

from tests.unit.bridge.client import ROOT, Bridge, Client, last, request, until

IMAGE = "mcp-base/python:3.11"
PROFILE = ROOT / "files/seccomp/mcp-server.json"
PARENT = Path("/var/tmp/bridge-security-runtime")
LOADER = [
    "/.mcp/ld.so",
    "--library-path",
    "/.mcp/lib",
    "--argv0",
    "/.mcp/python",
    "/.mcp/python",
    "-ISOO",
    "-m",
    "bridge",
]
pytestmark = pytest.mark.skipif(not Landlock().works, reason="this kernel has no Landlock")


class Contained(Bridge):
    """A bridge that somebody else started."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.path = "/mcp/x"
        self.log = []


@pytest.fixture(scope="module")
def runtime() -> Iterator[str]:
    build = [sys.executable, str(ROOT / "files/bridge/runtime/build.py"), "--parent", str(PARENT)]
    yield subprocess.run(build, check=True, capture_output=True, text=True).stdout.strip()
    shutil.rmtree(PARENT)


@pytest.fixture(scope="module", params=["root", "1000:1000", "our profile"])
def bridge(request: pytest.FixtureRequest, runtime: str) -> Iterator[Bridge]:
    engine = docker.from_env()
    ours = request.param == "our profile"
    profile = [f"seccomp={json.dumps(json.loads(PROFILE.read_text()))}"] if ours else []
    options = ["--port", "8000", "--path", "/mcp/x", "--", "python3", "/hostile.py"]
    container = engine.containers.run(
        IMAGE,
        [],
        entrypoint=[*LOADER, *options],
        detach=True,
        user="1000:1000" if ours else request.param,
        environment={"TOKEN": "${header:X-Token}"},
        volumes=[f"{runtime}:/.mcp:ro", f"{ROOT / 'tests/hostile/server.py'}:/hostile.py:ro"],
        ports={"8000/tcp": ("127.0.0.1", None)},
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true", *profile],
        read_only=True,
        tmpfs={"/tmp": ""},
        init=True,
        pids_limit=64,
        labels={"bridge-security-test": ""},
    )
    try:
        container.reload()
        contained = Contained(int(container.ports["8000/tcp"][0]["HostPort"]))

        def well() -> bool:
            with suppress(OSError, ValueError):
                return bool(contained.health()["state"] == "ok")
            return False

        until(well, seconds=60)
        yield contained
        assert b"Landlock" not in container.logs()
    finally:
        container.remove(force=True)
        engine.close()


def opened(bridge: Bridge, token: str) -> Client:
    client = Client(bridge)
    reply = client.post(request("initialize", {"protocolVersion": "2025-11-25"}, 1), x_token=token)
    assert "result" in last(reply)
    client.session = reply.headers["mcp-session-id"]
    return client


def test_a_sessions_process_reads_neither_anothers_token_nor_the_bridges_memory(bridge: Bridge) -> None:
    ann, bob = opened(bridge, "ann's"), opened(bridge, "bob's")
    theirs = ann.call("whoami")
    assert theirs["token"] == "ann's"
    for pid in (theirs["pid"], theirs["parent"]):
        seen = bob.call("peek", pid=pid)
        assert {seen[name] for name in ("environ", "maps", "mem", "cwd", "fd/0")} == {"PermissionError"}, (pid, seen)
    assert set(bob.call("peek", pid=bob.call("whoami")["pid"]).values()) == {"seen", "sent"}


def test_nothing_else_is_taken_from_the_server(bridge: Bridge) -> None:
    client = opened(bridge, "x")
    assert client.call("move", path="/tmp") == "moved"
    assert isinstance(client.call("fork", seconds=1)["pid"], int)
