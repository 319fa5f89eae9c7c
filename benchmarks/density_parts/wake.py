"""What waking a sleeping server costs its first caller, and whether anything is lost on the way.

`python benchmarks/density_parts/wake.py [--wakes N] [--seed N]` prints both for people, and one JSON object at the end.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.e2e.support.waiting import until
from tests.unit.bridge.client import BOTH, HOSTILE, META, Bridge, Client, Listener, last, request, start

Figures = dict[str, Any]
SLEEP_AFTER = 0.2
SDK_SERVER = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("wake")
@server.tool()
def echo(text: str) -> str:
    return text
server.run()
"""
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "wake", "version": "1"}}
# Isolation, arguments of the server, and the eras of the clients that it can serve.
FLEET = (
    ("per_session", (), ("session", "legacy")),
    ("per_session", ("--modern",), ("modern",)),
    ("pooled", (), ("session", "legacy", "modern")),
    ("shared", (), ("session", "legacy", "modern")),
)


def first_call(rounds: int = 10) -> Figures:
    """Returns `wake_first_call_ratio`, the time from the first request of a client to the answer to its first call at a
    sleeping server over that of the same over stdio to a fresh process; and both times. They are measured in turn, and
    the shortest of each is taken: whatever else the machine does only adds."""
    command = [sys.executable, "-c", SDK_SERVER]
    bridge = start("--sleep-after", str(SLEEP_AFTER), command=command)
    bare, woken = [], []
    try:
        for _ in range(rounds):
            _wait_asleep(bridge)
            bare.append(_bare(command))
            woken.append(_woken(bridge))
    finally:
        bridge.stop()
    return {
        "wake_first_call_ratio": round(min(woken) / min(bare), 3),
        "wake_first_call_ms": round(1000 * min(woken), 1),
        "wake_bare_start_ms": round(1000 * min(bare), 1),
    }


def storm(wakes: int, seed: int) -> Figures:
    """Returns what became of calls at random moments around `wakes` wake-ups, of clients of every era: `calls`,
    `wakes`, calls `lost` and answered `wrong`, and processes `left` at the end."""
    share = -(-wakes // len(FLEET))
    totals: Counter[str] = Counter(calls=0, wakes=0, lost=0, wrong=0, left=0)
    lock = threading.Lock()

    def run(number: int) -> None:
        found = _storm(number, share, random.Random(f"{seed}-{number}"))
        with lock:
            totals.update(found)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(FLEET))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {f"wake_storm_{name}": count for name, count in totals.items()}


def _storm(number: int, wakes: int, chance: random.Random) -> dict[str, int]:
    isolation, arguments, eras = FLEET[number]
    command = [HOSTILE[0], "-S", "-E", *HOSTILE[1:], *arguments]
    bridge = start("--isolation", isolation, "--sleep-after", str(SLEEP_AFTER), "--pool-size", "3", command=command)
    found: Counter[str] = Counter()
    keeping = Client(bridge)  # its session lives through the sleeps
    try:
        if "session" in eras:
            keeping.open()
        while found["wakes"] < wakes:
            time.sleep(chance.uniform(0, 2.5 * SLEEP_AFTER))
            callers = [
                threading.Thread(target=_call, args=(bridge, chance.choice(eras), f"{number}-{index}", keeping, found))
                for index in range(found["calls"], found["calls"] + chance.choice((1, 1, 2, 4)))
            ]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join()
            found["wakes"] = int(bridge.metrics()["mcp_bridge_wakes_total"])
        if keeping.session is not None:
            keeping.delete()
        with suppress(AssertionError):
            until(lambda: not bridge.descendants(), "all processes are gone", 20)
        found["left"] = len(bridge.descendants())
    finally:
        bridge.stop()
    return dict(found)


def _call(bridge: Bridge, era: str, text: str, keeping: Client, found: Counter[str]) -> None:
    """Makes one call with `text`, and counts what became of it. Each thread of a bridge adds under the interpreter's
    lock; all are joined before the counts are read."""
    found["calls"] += 1
    try:
        answer = {"session": _by_session, "legacy": _by_stream, "modern": _alone}[era](bridge, text, keeping)
    except Exception as error:
        print(f"lost: {era}: {error!r}", file=sys.stderr)
        found["lost"] += 1
    else:
        found["wrong"] += answer != text


def _by_session(bridge: Bridge, text: str, keeping: Client) -> Any:
    client = keeping if text.endswith(("0", "5")) else Client(bridge)
    if client is not keeping:
        client.open()
    answer = client.call("echo", text=f"text {text}")
    if client is not keeping:
        client.delete()
    return str(answer).removeprefix("text ")


def _by_stream(bridge: Bridge, text: str, _keeping: Client) -> Any:
    stream = Listener(bridge.request("GET", "/mcp/x/sse", headers={"accept": "text/event-stream"}))
    try:
        endpoint = stream.next()
        if endpoint is None:
            raise ConnectionError("the stream has ended")
        call = request("tools/call", {"name": "echo", "arguments": {"text": text}}, 1)
        for message in (request("initialize", HELLO, 0), call):
            body = json.dumps(message).encode()
            bridge.request("POST", endpoint.data, body, {"content-type": "application/json"})
            while (answer := stream.message()).get("id") != message["id"]:
                pass
        return answer["result"]["content"][0]["text"]
    finally:
        stream.reply.close()


def _alone(bridge: Bridge, text: str, _keeping: Client) -> Any:
    meta = {META + "protocolVersion": "2026-07-28", META + "clientInfo": {"name": "wake", "version": "1"}}
    params = {"name": "echo", "arguments": {"text": text}, "_meta": {**meta, META + "clientCapabilities": {}}}
    headers = {"content-type": "application/json", "accept": BOTH, "mcp-protocol-version": "2026-07-28"}
    named = {**headers, "mcp-method": "tools/call", "mcp-name": "echo"}
    reply = bridge.request("POST", None, json.dumps(request("tools/call", params, 1)).encode(), named)
    return last(reply)["result"]["content"][0]["text"]


def _wait_asleep(bridge: Bridge) -> None:
    until(lambda: bridge.health()["state"] == "asleep" and not bridge.descendants(), "the server sleeps")


def _woken(bridge: Bridge) -> float:
    client = Client(bridge)
    began = time.monotonic()
    client.open()
    client.call("echo", text="x")
    took = time.monotonic() - began
    client.delete()
    return took


def _bare(command: list[str]) -> float:
    pipe = subprocess.PIPE
    call = request("tools/call", {"name": "echo", "arguments": {"text": "x"}}, 2)
    initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    began = time.monotonic()
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in (request("initialize", HELLO, 1), initialized, call):
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            if "id" in message:
                json.loads(process.stdout.readline())
        took = time.monotonic() - began
        process.stdin.close()
        process.wait(20)
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wakes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    figures = {**first_call(given.rounds), **storm(given.wakes, given.seed)}
    for name, value in figures.items():
        print(f"{name:<28} {value}")
    print(json.dumps({"benchmark": "wake", "figures": figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
