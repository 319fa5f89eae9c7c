"""What the MCP tools cost beside the API, both through the local ALB: the list of 100 servers.

The floor is a server of the official SDK whose one tool returns the same document, without asking anybody, and which is
called past the balancer and the monitor.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from monitor.access.tokens import FILE, Token, digest_of, write_tokens
from monitor.access.users import VIEW

from benchmarks.monitor_parts.serving import PROJECT, monitor
from tests.e2e.support.local_alb import LocalAlb, running
from tests.e2e.support.ports import free_port, listens
from tests.e2e.support.waiting import until
from tests.monitor_data.site import make_site

SERVERS = 100
TIMES = 120
TOKEN = "mcpt_of-a-benchmark"  # noqa: S105 - of a monitor on loopback that ends with the benchmark
TARGETS = {"tools_to_api": ["<=", 1.3]}
REVISION = "2026-07-28"
_META = "io.modelcontextprotocol"
FLOOR = """
import sys, uvicorn
from mcp.server import MCPServer
from pathlib import Path
import json
server = MCPServer("floor")
document = json.loads(Path(sys.argv[1]).read_bytes())

@server.tool()
async def docker_list_servers() -> dict:
    return document

uvicorn.run(server.streamable_http_app(stateless_http=True), port=int(sys.argv[2]), log_level="error")
"""


def figures(folder: Path) -> dict[str, float]:
    """Returns every figure. ``folder`` is empty."""
    make_site(folder, servers=SERVERS, days=1, lines=20, calls=20)
    token = Token("benchmark", "view", digest_of(TOKEN), datetime(2026, 1, 1, tzinfo=UTC), None)
    write_tokens(folder / FILE, {"benchmark": token}, os.getgid())
    socket = folder / "manager.sock"
    (folder / "alb").mkdir()
    with (
        monitor(folder, VIEW, "--manager", str(socket)) as served,
        manager(socket, served.port),
        running(LocalAlb(folder / "alb")) as alb,
    ):
        group = alb.group("monitor", served.port, HealthCheckPath="/monitor/health")
        alb.rule(10, ["/monitor", "/monitor/*"], group)
        alb.healthy(group)
        path = f"/monitor/api/v1/servers?limit={2 * SERVERS}"
        asked, document = _asked(alb.port, "GET", path)
        called, _ = _asked(alb.port, "POST", "/monitor/mcp", _message())
        (folder / "servers.json").write_bytes(document)
        with floor(folder / "servers.json") as port:
            least, _ = _asked(port, "POST", "/mcp", _message())
    return {
        "api_through_balancer_p50_ms": _p50(asked),
        "tools_through_balancer_p50_ms": _p50(called),
        "tools_to_api": round(statistics.median(called) / statistics.median(asked), 2),
        "sdk_alone_p50_ms": _p50(least),
        "sdk_alone_to_api": round(statistics.median(least) / statistics.median(asked), 2),
    }


@contextmanager
def manager(socket: Path, port: int) -> Iterator[None]:
    """Serves the tools at a socket until the end of the block."""
    command = [sys.executable, "-m", "manager", "--socket", str(socket), "--log-level", "ERROR"]
    command += ["--api", f"http://127.0.0.1:{port}/monitor/api/v1"]
    with subprocess.Popen(command, cwd=PROJECT / "files") as program:
        try:
            until(socket.exists, "the manager listens")
            yield
        finally:
            program.terminate()


@contextmanager
def floor(document: Path) -> Iterator[int]:
    """Serves a tool that returns a document until the end of the block, at the port that it yields."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", FLOOR, str(document), str(port)]) as program:
        try:
            until(lambda: listens(port), "the server of the SDK listens")
            yield port
        finally:
            program.terminate()


def _message() -> bytes:
    """A call of the tool, as a client of the newest revision sends it."""
    meta = {f"{_META}/protocolVersion": REVISION, f"{_META}/clientCapabilities": {}}
    params = {"name": "docker_list_servers", "arguments": {}, "_meta": meta}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()


def _asked(port: int, method: str, path: str, body: bytes | None = None) -> tuple[list[float], bytes]:
    """The milliseconds of each call over one connection, and the last answer."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    headers |= {"Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": REVISION}
    headers |= {"Mcp-Method": "tools/call", "Mcp-Name": "docker_list_servers"} if body else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    took: list[float] = []
    told = b""
    for _ in range(TIMES + 1):  # the first reads the files
        began = time.perf_counter()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        told = answer.read()
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != http.HTTPStatus.OK or b'"isError":true' in told:
            raise RuntimeError(f"{path} is answered with {answer.status}: {told[:300]!r}")
    connection.close()
    return took[1:], told


def _p50(values: list[float]) -> float:
    return round(statistics.median(values), 2)
