"""Clients that call a tool of every server through the balancer all the time, and count every answer.

Each call stands alone (revision 2026-07-28) and has a connection of its own, so a lost answer is one call lost.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

REVISION = "2026-07-28"
META = "io.modelcontextprotocol/"
CALL_SECONDS = 30.0
PAUSE_SECONDS = 0.25

Ask = Callable[[str, str], str]


@dataclass(frozen=True)
class Tally:
    """What became of the calls of one server's clients. ``why`` counts what the lost ones met."""

    ok: int
    refused: int
    lost: int
    why: Mapping[str, int]


def _request(server: str, method: str, params: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    meta = {META + "protocolVersion": REVISION, META + "clientInfo": {"name": "chaos", "version": "1"}}
    whole = {**params, "_meta": {**meta, META + "clientCapabilities": {}}}
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": REVISION,
        "mcp-method": method,
        **({"mcp-name": params["name"]} if "name" in params else {}),
    }
    return json.dumps({"jsonrpc": "2.0", "id": server, "method": method, "params": whole}).encode(), headers


def call(listener: str, server: str, method: str = "tools/list", params: Mapping[str, Any] | None = None) -> str:
    """Calls a server once. Returns "ok", "refused" for a 503 that says when to come again, or what was met instead."""
    body, headers = _request(server, method, dict(params or {}))
    connection = http.client.HTTPConnection(listener, timeout=CALL_SECONDS)
    try:
        connection.request("POST", f"/mcp/{server}/mcp", body, headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        if answer.status == 503 and answer.headers["Retry-After"]:
            return "refused"
        if answer.status != 200:
            return str(answer.status)
        return "ok" if '"result"' in text else "an error of MCP"
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


class Load:
    """One client for each server until the block ends. ``ask`` calls a server at a listener once."""

    def __init__(self, listener: str, servers: Iterable[str], ask: Ask = call, pause: float = PAUSE_SECONDS) -> None:
        self._listener, self._ask, self._pause = listener, ask, pause
        self._met: dict[str, Counter[str]] = {server: Counter() for server in servers}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._calls, args=(server,), daemon=True) for server in self._met]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(CALL_SECONDS + 5)

    def _calls(self, server: str) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            met = self._ask(self._listener, server)
            with self._lock:
                self._met[server][met] += 1
            self._stop.wait(max(0.0, self._pause - (time.monotonic() - begun)))

    def take(self) -> dict[str, Tally]:
        """Returns what has become of the calls since the last time, by server."""
        with self._lock:
            met = {server: counts.copy() for server, counts in self._met.items()}
            for counts in self._met.values():
                counts.clear()
        return {server: tally(counts) for server, counts in met.items()}


def tally(counts: Mapping[str, int]) -> Tally:
    """Returns counted outcomes as what they mean to a client."""
    why = {met: number for met, number in counts.items() if met not in ("ok", "refused") and number}
    return Tally(counts.get("ok", 0), counts.get("refused", 0), sum(why.values()), why)
