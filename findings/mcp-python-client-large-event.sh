#!/usr/bin/env bash
# mcp 2.3.0 (PyPI, Python SDK of the Model Context Protocol), seen on CPython 3.11.
#
# Client takes a tool's result of any size as plain JSON, and refuses the same result as a server-sent event of 1 MiB
# or more. A streamable HTTP server may answer a POST in either form, and the client accepts both in its Accept header,
# so which one a server chooses should not matter. A result of 1,100,000 characters arrives as application/json; as one
# event of text/event-stream it ends the call with "Server-sent event exceeded the 1048576 byte limit".
#
# Why it matters: servers and proxies that always answer with an event stream (as many do for slow calls) cannot deliver
# large results to this client; answering in JSON while nothing has been streamed yet does.
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
TOOL = {"name": "big", "inputSchema": {"type": "object"}}
as_event, size = False, 0


def result(method):
    if method == "server/discover":
        return {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "serverInfo": SERVER}
    if method == "tools/list":
        return {"tools": [TOOL]}
    return {"content": [{"type": "text", "text": "x" * size}]}


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        told = {**result(message["method"]), "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": told}).encode()
        kind = "application/json"
        if as_event and message["method"] == "tools/call":
            kind, body = "text/event-stream", b"event: message\ndata: " + body + b"\n\n"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def call(url):
    async with Client(url) as client:
        return len((await client.call_tool("big", {})).content[0].text)


def causes(error):
    return [each for group in error.exceptions for each in causes(group)] if hasattr(error, "exceptions") else [error]


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
for as_event, size in ((False, 1_100_000), (True, 1_000_000), (True, 1_100_000)):
    form = "one event" if as_event else "plain JSON"
    try:
        said = f"{asyncio.run(call(url))} characters arrive"
    except Exception as error:
        said = str(causes(error)[0])
    print(f"{size} as {form}: {said}")
PYTHON

said=$("$folder/venv/bin/python" "$folder/seen.py")
printf '%s\n' "$said"
expected='1100000 as plain JSON: 1100000 characters arrive
1000000 as one event: 1000000 characters arrive
1100000 as one event: SSE stream failed: Server-sent event exceeded the 1048576 byte limit.'
[ "$said" = "$expected" ] || { echo "the behaviour has changed; seen before:"; printf '%s\n' "$expected"; exit 1; }
