#!/usr/bin/env bash
# mcp 2.3.0 (PyPI, Python SDK of the Model Context Protocol), seen on CPython 3.11.
#
# One 503 to its first request makes Client speak an older protocol revision for as long as it lives.
# Client opens with server/discover of revision 2026-07-28. A balancer that has no healthy target for a second answers
# 503, which says nothing about the server. Client takes it for a server that does not know the revision, sends
# initialize, and stays with 2025-11-25 although every later request would be answered in the newer one. No error is
# raised; a second Client a moment later negotiates 2026-07-28 with the same server.
#
# Why it matters: a short 503 during a change is not only a retry. It decides sessions, streams and identity of that
# client until it is restarted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mcp==2.3.0 2>/dev/null

cat >"$folder/seen.py" <<'PYTHON'
import asyncio
import http.server
import json
import threading

from mcp import Client

SERVER = {"name": "seen", "version": "1"}
RESULTS = {
    "server/discover": {"supportedVersions": ["2026-07-28", "2025-11-25"], "capabilities": {"tools": {}},
                        "serverInfo": SERVER},
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": SERVER},
    "tools/list": {"tools": []},
}
methods = []


class Server(http.server.BaseHTTPRequestHandler):
    """Speaks both revisions, and answers its very first request as a balancer without a healthy target does."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        methods.append(message["method"])
        if len(methods) == 1:
            return self.answer(503, b"")
        if "id" not in message:
            return self.answer(202, b"")
        result = {**RESULTS[message["method"]], "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        return self.answer(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode())

    def do_GET(self):
        self.answer(405, b"")

    def do_DELETE(self):
        self.answer(200, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def revision(url):
    async with Client(url) as client:
        await client.list_tools()
        await client.list_tools()
        return client.protocol_version


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
print("first client, after one 503:", asyncio.run(revision(url)))
print("second client, same server: ", asyncio.run(revision(url)))
PYTHON

said=$("$folder/venv/bin/python" "$folder/seen.py")
printf '%s\n' "$said"
expected='first client, after one 503: 2025-11-25
second client, same server:  2026-07-28'
[ "$said" = "$expected" ] || { echo "the behaviour has changed; seen before:"; printf '%s\n' "$expected"; exit 1; }
