#!/usr/bin/env python3
"""Ask servers all the time through the load balancer: ask.py URL NAME... until stdin ends; then prints what came of it.

One JSON object: {"asked": number, "failures": [text]}. Health is asked often, an MCP session is opened and ended now
and then: each costs a stdio server a process.
"""

from __future__ import annotations

import json
import sys
import threading
import urllib.error
import urllib.request
from contextlib import ExitStack

PAUSE_SECONDS = 0.05
SESSION_EVERY = 20
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "ask", "version": "1"}}
HELLO = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": CLIENT}).encode()


class Asking:
    """A client that asks one server all the time, from the begin of a block to its end; what failed is kept."""

    def __init__(self, url: str) -> None:
        """``url`` is the server's without the path of a request: http://HOST/mcp/NAME."""
        self.url = url
        self.count = 0
        self.failures: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(PAUSE_SECONDS):
            try:
                if self.count % SESSION_EVERY == 0:
                    self._open_session()
                else:
                    self._send("/health")
            except OSError as error:
                self.failures.append(f"{self.url}, request {self.count}: {error!r}")
            self.count += 1

    def _send(self, path: str, body: bytes | None = None) -> tuple[str | None, str]:
        request = urllib.request.Request(self.url + path, body, HEADERS if body else {})  # http alone
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.headers.get("Mcp-Session-Id"), answer.read().decode()

    def _open_session(self) -> None:
        session, text = self._send("/mcp", HELLO)
        if '"serverInfo"' not in text:
            self.failures.append(f"{self.url}: {text[:200]}")
        if session is None:
            return
        ending = urllib.request.Request(f"{self.url}/mcp", headers={"Mcp-Session-Id": session}, method="DELETE")
        try:
            urllib.request.urlopen(ending, timeout=30).close()
        except urllib.error.HTTPError as gone:  # it may have ended with the container that it was opened at
            if gone.code not in (404, 405):
                raise


def main(base: str, names: list[str]) -> None:
    """Asks until stdin ends."""
    with ExitStack() as stack:
        askings = [stack.enter_context(Asking(f"{base}/mcp/{name}")) for name in names]
        sys.stdin.read()
    failures = [failure for asking in askings for failure in asking.failures]
    print(json.dumps({"asked": sum(asking.count for asking in askings), "failures": failures}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
