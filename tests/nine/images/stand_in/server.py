#!/usr/bin/env python3
"""Stands in for a service that no registry has: `server.py pages|github|n8n|grafana [PORT]` answers what is asked.

Not these services: each knows one page, repository, workflow or data source, and whoever asks must show its token.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Answer:
    """What a request gets: anything that JSON can say, or a text of some other kind."""

    content: Any
    status: int = 200
    kind: str = "application/json"

    def body(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


NOT_FOUND = Answer({"message": "Not Found"}, 404)
REFUSED = Answer({"message": "Bad credentials"}, 401)


def pages(path: str, _query: Mapping[str, list[str]], _headers: Message) -> Answer:
    """A web site of one page."""
    if path == "/robots.txt":
        return Answer(b"User-agent: *\nAllow: /\n", kind="text/plain")
    if path != "/":
        return Answer(b"<h1>Not here</h1>", 404, "text/html")
    page = (
        b"<!doctype html><html lang=en><title>The nine</title><body><article><h1>A page of nine</h1>"
        b"<p>This page stands in for the web. It is long enough to be taken for an article by those who look for one, "
        b"and says nothing beyond that.</p><button onclick=\"this.textContent='pressed'\">press</button></article>"
    )
    return Answer(page, kind="text/html; charset=utf-8")


def github(path: str, _query: Mapping[str, list[str]], headers: Message) -> Answer:
    """GitHub's REST API as an Enterprise server has it, with one repository of one issue."""
    if headers.get("Authorization") != f"Bearer {os.environ['TOKEN']}":
        return REFUSED
    user = {"login": "nine", "id": 9, "html_url": "https://github.com/nine", "type": "User"}
    issue = {
        "id": 1,
        "number": 1,
        "title": "It works here",
        "body": "On this machine.",
        "state": "open",
        "user": user,
        "labels": [],
        "comments": 0,
        "html_url": "https://github.com/nine/nine/issues/1",
        "created_at": "2026-11-29T00:00:00Z",
        "updated_at": "2026-11-29T00:00:00Z",
    }
    known = {
        "/api/v3/user": user,
        "/api/v3/repos/nine/nine/issues": [issue],
        "/api/v3/repos/nine/nine/issues/1": issue,
    }
    return Answer(known[path]) if path in known else NOT_FOUND


def n8n(path: str, _query: Mapping[str, list[str]], headers: Message) -> Answer:
    """The public API of n8n, with one workflow."""
    if path == "/healthz":
        return Answer({"status": "ok"})
    if path == "/rest/settings":
        return Answer({"data": {"versionCli": "2.41.3"}})
    if headers.get("X-N8N-API-KEY") != os.environ["TOKEN"]:
        return REFUSED
    node = {
        "id": "1",
        "name": "Start",
        "type": "n8n-nodes-base.manualTrigger",
        "typeVersion": 1,
        "position": [0, 0],
        "parameters": {},
    }
    workflow = {
        "id": "nine",
        "name": "The nine",
        "active": False,
        "isArchived": False,
        "createdAt": "2026-11-29T00:00:00.000Z",
        "updatedAt": "2026-11-29T00:00:00.000Z",
        "tags": [],
        "nodes": [node],
        "connections": {},
        "settings": {},
    }
    known = {
        "/api/v1/workflows": {"data": [workflow], "nextCursor": None},
        "/api/v1/workflows/nine": workflow,
    }
    return Answer(known[path]) if path in known else NOT_FOUND


def grafana(path: str, query: Mapping[str, list[str]], headers: Message) -> Answer:
    """Grafana's API and its proxy to two data sources: a Loki of three lines, which it is itself, and Prometheus."""
    if headers.get("Authorization") != f"Bearer {os.environ['TOKEN']}":
        return REFUSED
    sources = [
        {"id": number, "uid": kind, "name": kind.title(), "type": kind, "access": "proxy", "url": f"http://{kind}"}
        for number, kind in enumerate(("loki", "prometheus"), 1)
    ]
    if path == "/api/datasources":
        return Answer(sources)
    for source in sources:
        uid = source["uid"]
        if path == f"/api/datasources/uid/{uid}":
            return Answer(source)
        for form in (f"/api/datasources/proxy/uid/{uid}", f"/api/datasources/uid/{uid}/resources"):
            if path.startswith(f"{form}/"):
                rest = path.removeprefix(form)
                return loki(rest, query) if uid == "loki" else passed_on(os.environ["PROMETHEUS"], rest, query)
    return NOT_FOUND


def loki(path: str, query: Mapping[str, list[str]]) -> Answer:
    """Loki's API over one stream."""
    path = path.removeprefix("/loki/api/v1")
    if path == "/labels":
        return Answer({"status": "success", "data": ["job"]})
    if path == "/label/job/values":
        return Answer({"status": "success", "data": ["nine"]})
    if path != "/query_range":
        return NOT_FOUND
    now = time.time_ns()
    lines = [[str(now - number * 10**9), f"line {number} of nine"] for number in range(3)]
    found = [{"stream": {"job": "nine"}, "values": lines}] if 'job="nine"' in query.get("query", [""])[0] else []
    return Answer({"status": "success", "data": {"resultType": "streams", "result": found, "stats": {}}})


def passed_on(base: str, path: str, query: Mapping[str, list[str]]) -> Answer:
    """What the real service behind this one says."""
    words = urllib.parse.urlencode(query, doseq=True)
    try:
        with urllib.request.urlopen(f"{base}{path}?{words}", timeout=10) as answer:
            return Answer(answer.read(), answer.status, answer.headers["Content-Type"])
    except urllib.error.HTTPError as error:
        return Answer(error.read(), error.code)
    except OSError as error:
        return Answer({"message": str(error)}, 502)


SERVICES: Mapping[str, Callable[[str, Mapping[str, list[str]], Message], Answer]] = {
    "pages": pages,
    "github": github,
    "n8n": n8n,
    "grafana": grafana,
}


class Handler(BaseHTTPRequestHandler):
    """Answers as the service does that was asked for. A question in a body counts as one in the address."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, so that nobody waits for the second
    service: Callable[[str, Mapping[str, list[str]], Message], Answer]

    def do_GET(self) -> None:
        given = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        address = urlsplit(self.path)
        answer = type(self).service(address.path, parse_qs(f"{address.query}&{given}"), self.headers)
        body = answer.body()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    do_POST = do_GET


def main() -> None:
    """Serves until it is told to stop."""
    Handler.service = staticmethod(SERVICES[sys.argv[1]])
    ThreadingHTTPServer(("", int(sys.argv[2]) if len(sys.argv) > 2 else 80), Handler).serve_forever()


if __name__ == "__main__":
    main()
