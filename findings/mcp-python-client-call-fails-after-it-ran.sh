#!/usr/bin/env bash
# mcp 2.3.0 (PyPI, Python SDK of the Model Context Protocol), seen on CPython 3.11.
#
# Client.call_tool raises although the tool has run and its result has arrived, when a request that the caller never made
# fails. After tools/call has been answered, the client asks tools/list by itself, to hold the result against the tool's
# output schema. If a balancer answers that one with 503, the caller gets MCPError and no result.
#
# Why it matters: the caller takes the call for failed and repeats it. A tool that pays, sends or deletes does so twice.
# Listing the tools once, right after connecting, makes the client ask no more.
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

RESULTS = {
    "server/discover": {
        "supportedVersions": ["2026-07-28"],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "seen", "version": "1"},
    },
    "tools/call": {"content": [{"type": "text", "text": "paid"}]},
    "tools/list": {"tools": [{"name": "pay", "inputSchema": {"type": "object"}}]},
}
asked, healthy = [], True


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked.append(message["method"])
        refused = message["method"] == "tools/list" and not healthy
        result = {**RESULTS[message["method"]], "resultType": "complete", "ttlMs": 60000, "cacheScope": "private"}
        answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        body = b"" if refused else answer
        self.send_response(503 if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def pay(url, list_first):
    global healthy
    asked.clear()
    async with Client(url) as client:
        healthy = True
        if list_first:
            await client.list_tools()
        healthy = False
        try:
            said = (await client.call_tool("pay", {})).content[0].text
        except Exception as error:
            said = f"{type(error).__name__} is raised"
    return f"{said}; the server was asked for {', '.join(asked)}"


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
for list_first in (False, True):
    print("listed before:" if list_first else "not listed:", asyncio.run(pay(url, list_first)))
PYTHON

said=$("$folder/venv/bin/python" "$folder/seen.py")
printf '%s\n' "$said"
expected='not listed: MCPError is raised; the server was asked for server/discover, tools/call, tools/list
listed before: paid; the server was asked for server/discover, tools/list, tools/call'
[ "$said" = "$expected" ] || { echo "the behaviour has changed; seen before:"; printf '%s\n' "$expected"; exit 1; }
