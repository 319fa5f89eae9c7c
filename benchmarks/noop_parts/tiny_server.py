"""The least server of streamable HTTP: an image of its own, and a config with many of them."""

from __future__ import annotations

import http.client
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

IMAGE = "mcp-bench/tiny:1"
DOCKERFILE = 'FROM mcp-base/python:3.11\nCOPY server.py /server.py\nENTRYPOINT ["python3", "-I", "/server.py"]\n'
# The least that a server of streamable HTTP has to say: no session, a JSON answer to each request.
SERVER = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                   "serverInfo": {"name": "tiny", "version": "1"}},
    "tools/list": {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]},
}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in message:
            return self.answer(202, b"")
        known = message["method"] in ANSWERS
        what = {"result": ANSWERS[message["method"]]} if known else {"error": {"code": -32601, "message": "unknown"}}
        self.answer(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], **what}).encode())
    def do_GET(self):
        self.answer(405, b"")
    def do_DELETE(self):
        self.answer(405, b"")
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""


def build_image() -> None:
    """Make the tiny server's image. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(DOCKERFILE)
        (Path(folder) / "server.py").write_text(SERVER)
        subprocess.run(["docker", "build", "-q", "-t", IMAGE, folder], check=True, capture_output=True)


def config(count: int) -> dict[str, Any]:
    """Return the entries of COUNT servers."""
    args = ["run", "-p", "8000:8000", "--memory", "64m", IMAGE]
    return {f"tiny-{number:03}": {"command": "docker", "args": args} for number in range(count)}


def answers(balancer: str, name: str) -> bool:
    """Say whether a server answers its first call through the balancer at HOST:PORT."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection = http.client.HTTPConnection(balancer, timeout=5)
    try:
        connection.request("POST", f"/mcp/{name}/mcp", json.dumps(call), headers)
        reply = connection.getresponse()
        reply.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return reply.status == 200
