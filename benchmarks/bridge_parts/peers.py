"""Other bridges from the registries, installed on demand into a cache outside of the project, and ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path.home() / ".cache/mcp-orchestrator/bench-bridge"

_FASTMCP = """
import sys
from fastmcp.client.transports import StdioTransport
from fastmcp.server import create_proxy
proxy = create_proxy(StdioTransport(sys.argv[2], sys.argv[3:]))
proxy.run(transport="http", host="127.0.0.1", port=int(sys.argv[1]), path="/mcp", log_level="error", show_banner=False)
"""


@dataclass(frozen=True)
class Peer:
    """A bridge: the command that serves `COMMAND` at `path` on a port."""

    name: str
    command: list[str]
    path: str = "/mcp"

    def argv(self, port: int, server: Path) -> list[str]:
        return [part.replace("{port}", str(port)).replace("{server}", str(server)) for part in self.command]


def ours() -> Peer:
    """The bridge in the runtime that containers get."""
    build = ROOT / "files/bridge/runtime/build.py"
    parent = CACHE / "runtime"
    run = subprocess.run(
        [sys.executable, str(build), "--parent", str(parent)], check=True, capture_output=True, text=True
    )
    root = run.stdout.strip()
    start = [f"{root}/ld.so", "--library-path", f"{root}/lib", "--argv0", f"{root}/python", f"{root}/python", "-ISOO"]
    options = [
        "-m",
        "bridge",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--path",
        "/mcp/echo",
        "--max-sessions",
        "500",
    ]
    return Peer("bridge", [*start, *options, "--", "{server}"], "/mcp/echo/mcp")


def others() -> list[Peer]:
    """Those that can be installed here; a reason on stderr for each that cannot."""
    found = []
    node = CACHE / "npm/node_modules/.bin"
    if _installed(
        node / "supergateway",
        [
            "npm",
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(CACHE / "npm"),
            "mcp-proxy",
            "supergateway",
        ],
    ):
        found.append(
            Peer(
                "npm_mcp_proxy",
                [
                    f"{node}/mcp-proxy",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    "{port}",
                    "--server",
                    "stream",
                    "--",
                    "{server}",
                ],
            )
        )
        gateway = ["--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none", "--port", "{port}"]
        found.append(Peer("supergateway", [f"{node}/supergateway", "--stdio", "{server}", *gateway]))
    if _python("mcp-proxy"):
        proxy = CACHE / "mcp-proxy/bin/mcp-proxy"
        found.append(Peer("pypi_mcp_proxy", [str(proxy), "--log-level", "ERROR", "--port", "{port}", "{server}"]))
    if _python("fastmcp"):
        python = CACHE / "fastmcp/bin/python"
        found.append(Peer("fastmcp", [str(python), "-c", _FASTMCP, "{port}", "{server}"]))
    return found


def _python(package: str) -> bool:
    home = CACHE / package
    if not (home / "bin/python").exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "venv", *([] if shutil.which("uv") is None else ["--without-pip"]), str(home)],
            check=True,
        )
    uv = shutil.which("uv")
    install = (
        [uv, "pip", "install", "-q", "--python", f"{home}/bin/python"]
        if uv
        else [f"{home}/bin/python", "-m", "pip", "install", "-q"]
    )
    return _installed(home / "bin" / package, [*install, package])


def _installed(program: Path, install: list[str]) -> bool:
    if program.exists():
        return True
    program.parent.mkdir(parents=True, exist_ok=True)
    try:
        run = subprocess.run(install, capture_output=True, text=True, check=False, env={**os.environ, "CI": "1"})
    except FileNotFoundError as error:
        print(f"{program.name}: {error}", file=sys.stderr)
        return False
    if not program.exists():
        print(f"{program.name} could not be installed:\n{run.stderr}", file=sys.stderr)
    return program.exists()
