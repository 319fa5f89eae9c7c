"""One client that sends malformed and slow requests disturbs no other, and costs no memory.

The short form runs always; `MCP_ABUSE=long` sends 10,000 requests, to the bridge and through the local balancer, too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.abuse_parts import scene
from tests.e2e.support.local_alb import LocalAlb, running
from tests.e2e.test_bridge_images import Run, engine, imported, run  # noqa: F401  # two are fixtures
from tests.unit.bridge.client import HOSTILE, ROOT, Bridge, Client, start, until

LONG = os.environ.get("MCP_ABUSE") == "long"
COUNT, RATE = (10_000, 250.0) if LONG else (1_000, 200.0)
NOISE_MS = 50.0
"""A p99 below this may be the machine's: where others use it, processes wait as long for a processor."""


@pytest.fixture(params=["per_session", "pooled"] if LONG else ["per_session"])
def bridge(request: pytest.FixtureRequest) -> Iterator[Bridge]:
    bridge = start(
        "--isolation", request.param, "--resume-timeout", "5", command=[HOSTILE[0], "-S", "-E", *HOSTILE[1:]]
    )
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0


def hold(bridge: Bridge, port: int, path: str) -> None:
    health = f"http://127.0.0.1:{port}{bridge.path}/health"
    found = scene.run(port, path, bridge.process.pid, count=COUNT, rate=RATE, seconds=10 if LONG else 3, health=health)
    print(found)
    assert found["calls_lost"] == 0, found
    assert found["health_not_200"] == 0, found
    assert found["attacked_p99_ms"] <= max(2 * found["quiet_p99_ms"], NOISE_MS), found
    assert found["memory_growth_mb"] < 10, found
    assert bridge.process.poll() is None
    assert not [line for line in bridge.log if "unexpected" in line or "could not be" in line]
    until(lambda: bridge.health()["calls_in_flight"] == 0)


def test_another_clients_calls_are_neither_lost_nor_slowed(bridge: Bridge) -> None:
    hold(bridge, bridge.port, f"{bridge.path}/mcp")


@pytest.mark.skipif(not LONG, reason="only in the long form: MCP_ABUSE=long")
def test_the_same_through_the_balancer(bridge: Bridge, tmp_path: Path) -> None:
    with running(LocalAlb(tmp_path)) as host:
        group = host.group("mcp-abuse", bridge.port)
        host.rule(1, [bridge.path, f"{bridge.path}/*"], group)
        host.healthy(group)
        hold(bridge, host.port, f"{bridge.path}/mcp")


@pytest.fixture(scope="module")
def runtime() -> Iterator[Path]:
    """The runtime that containers get; containers run as other users, who may not read pytest's folders."""
    with tempfile.TemporaryDirectory(prefix="bridge-abuse-", dir="/var/tmp") as parent:
        Path(parent).chmod(0o755)
        command = [sys.executable, str(ROOT / "files/bridge/runtime/build.py"), "--parent", parent]
        yield Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


@pytest.fixture
def image(engine: Any, tmp_path: Path) -> Iterator[str]:  # noqa: F811
    source = ROOT / "benchmarks/bridge_parts/echo.c"
    subprocess.run(["cc", "-O2", "-static", "-o", str(tmp_path / "server"), str(source)], check=True)
    name = imported(engine, "abuse", {"server": tmp_path / "server"})
    yield name
    engine.images.remove(name, force=True)


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_large_bodies_from_many_connections_do_not_end_a_container(run: Run, image: str) -> None:  # noqa: F811
    """Nine of 60 MB were more than its 512 MiB; each is refused at once where it is too large, and together they are
    where they do not fit."""
    bridge = run(image)
    client = Client(bridge)
    client.open()
    with contextlib.ExitStack() as stack:
        for size in [60_000_000] * 9 + [30_000_000] * 5:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", bridge.port), timeout=30))
            head = f"POST {bridge.path}/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            head += f"Mcp-Session-Id: {client.session}\r\nContent-Length: {size}\r\n\r\n"
            with contextlib.suppress(OSError):  # the answer has come, and the bridge does not wait for the rest
                connection.sendall(head.encode())
                for _ in range(size // 1_000_000 - 1):
                    connection.sendall(b"[" * 1_000_000)
        assert bridge.health()["status"] == 200
        assert client.call("echo") == "the echo of a call"
    bridge.container.reload()
    state = bridge.container.attrs["State"]
    assert (state["Running"], state["OOMKilled"]) == (True, False)
    used = bridge.container.stats(stream=False)["memory_stats"]
    assert used.get("max_usage", used["usage"]) < 300 * 1024 * 1024, used
