"""A stdio MCP server that behaves as badly as it is told to, over plain JSON, with the standard library alone.

Every tool is one kind of behaviour. Arguments of the program: `--crash-at-start`, `--silent`, `--slow-start SECONDS`,
`--ignore-term`, `--modern` (speaks 2026-07-28 and nothing older), `--both` (speaks that, too), `--no-ping`,
`--revision REVISION`, `--no-list`,
`--pages` (a second page of tools, with one whose arguments stand in headers, too).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from typing import Any

NONCE = uuid.uuid4().hex[:8]
STATE: dict[str, Any] = {"calls": 0, "value": None, "client": None, "capabilities": None, "level": None}
LOCK = threading.Lock()
ASKED: dict[Any, threading.Event] = {}
ANSWERS: dict[Any, dict[str, Any]] = {}
CANCELLED: set[Any] = set()
NUMBERS = iter(range(1, 1 << 30))
PREFIX = "io.modelcontextprotocol/"


def write(data: bytes) -> None:
    with LOCK:
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]


def say(message: dict[str, Any]) -> None:
    write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def text(value: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": value if isinstance(value, str) else json.dumps(value)}]}


def ask(method: str, params: dict[str, Any], seconds: float = 20) -> dict[str, Any]:
    """A request to the client; its answer, result or error."""
    ident = f"ask-{next(NUMBERS)}"
    event = ASKED[ident] = threading.Event()
    say({"id": ident, "method": method, "params": params})
    if not event.wait(seconds):
        return {"error": {"message": "no answer"}}
    return ANSWERS.pop(ident)


def call(ident: Any, name: str, given: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any] | None:  # noqa: C901
    """Runs a tool. None where it has seen to the answer, or to its absence, by itself."""
    if name == "echo":
        return text(given.get("text", ""))
    if name == "whoami":
        return text(
            {
                "nonce": NONCE,
                "pid": os.getpid(),
                "parent": os.getppid(),
                "calls": STATE["calls"],
                "client": STATE["client"],
                "token": os.environ.get("TOKEN"),
            }
        )
    if name == "params":
        return text({"meta": meta, "arguments": given})
    if name == "environment":
        with open(
            "/proc/self/environ", encoding="utf-8", errors="surrogateescape"
        ) as file:  # as given: the interpreter adds to its own
            return text(dict(pair.split("=", 1) for pair in file.read().split("\0") if pair))
    if name == "peek":  # what a process of the same user may see of another, and do to it
        seen = {}
        for file_name in ("environ", "maps", "cwd", "fd/0", "mem"):
            path = f"/proc/{given['pid']}/{file_name}"
            try:
                if file_name in ("cwd", "fd/0"):
                    os.readlink(path)
                else:
                    with open(path, "rb") as opened:
                        opened.read(0 if file_name == "mem" else 10)
                seen[file_name] = "seen"
            except OSError as error:
                seen[file_name] = type(error).__name__
        try:
            os.kill(given["pid"], 0)
            seen["signal"] = "sent"
        except OSError as error:
            seen["signal"] = type(error).__name__
        return text(seen)
    if name == "move":  # a file to another directory
        for directory in ("from", "to"):
            os.makedirs(os.path.join(given["path"], directory), exist_ok=True)
        with open(os.path.join(given["path"], "from/file"), "w", encoding="utf-8") as file:
            file.write("moved")
        os.rename(os.path.join(given["path"], "from/file"), os.path.join(given["path"], "to/file"))
        os.link(os.path.join(given["path"], "to/file"), os.path.join(given["path"], "from/file"))
        return text("moved")
    if name == "descriptors":
        found = {}
        for entry in os.listdir("/proc/self/fd"):
            try:
                found[entry] = os.readlink(f"/proc/self/fd/{entry}")
            except OSError:
                continue
        return text(found)
    if name == "set":
        STATE["value"] = given["value"]
        return text("set")
    if name == "get":
        return text({"value": STATE["value"]})
    if name == "sleep":
        deadline = time.monotonic() + given["seconds"]
        while time.monotonic() < deadline:
            if ident in CANCELLED:
                return None
            time.sleep(0.01)
        return text("x" * given["size"] if "size" in given else "slept")
    if name == "cancelled":
        return text(sorted(map(str, CANCELLED)))
    if name == "progress":
        for step in range(given["steps"]):
            say(
                {
                    "method": "notifications/progress",
                    "params": {
                        "progressToken": meta.get("progressToken"),
                        "progress": step + 1,
                        "message": given.get("tag"),
                    },
                }
            )
        return text({"token": meta.get("progressToken")})
    if name == "log":
        for step in range(given.get("count", 1)):
            say({"method": "notifications/message", "params": {"level": "info", "data": [given.get("tag"), step]}})
        return text("logged")
    if name == "changed":
        say({"method": "notifications/tools/list_changed"})
        return text("changed")
    if name == "updated":
        say({"method": "notifications/resources/updated", "params": {"uri": given["uri"]}})
        return text("updated")
    if name == "sample":
        asked = {"messages": [{"role": "user", "content": {"type": "text", "text": given["tag"]}}], "maxTokens": 9}
        return text(ask("sampling/createMessage", asked))
    if name == "elicit":
        return text(ask("elicitation/create", {"message": given["tag"], "requestedSchema": {"type": "object"}}))
    if name == "roots":
        return text(ask("roots/list", {}))
    if name == "later":  # asks the client after the call has been answered

        def afterwards() -> None:
            time.sleep(given["seconds"])
            ask("roots/list", {})

        threading.Thread(target=afterwards, daemon=True).start()
        return text("later")
    if name == "garbage":
        write(b'this is not JSON\n\x00\xff\xfe binary \x80\n{"jsonrpc": "2.0"}\n[]\n42\n\n{\n')
        return text("garbage")
    if name == "big":
        return text("x" * given["size"])
    if name == "split":  # a character in three writes
        line = json.dumps({"jsonrpc": "2.0", "id": ident, "result": text("héllo 世界 🎉")}, ensure_ascii=False).encode()
        with LOCK:
            for position in range(len(line)):
                os.write(1, line[position : position + 1])
                time.sleep(0.0005)
            os.write(1, b"\r\n")
        return None
    if name == "raw":  # the answer's result in the caller's own bytes
        write(b'{"jsonrpc":"2.0","id":' + json.dumps(ident).encode() + b',"result":' + given["json"].encode() + b"}\n")
        return None
    if name == "flood":
        for step in range(given["count"]):
            say({"method": "notifications/message", "params": {"level": "info", "data": [step, "y" * 1000]}})
        return text("flooded")
    if name == "stderr":
        for step in range(given.get("count", 1)):
            sys.stderr.write(f"{given.get('tag', 'stderr')} {step}\n")
        sys.stderr.flush()
        return text("complained")
    if name == "twice":
        say({"id": ident, "result": text("first")})
        say({"id": ident, "result": text("second")})
        return None
    if name == "stranger":  # an answer nobody asked for
        say({"id": 987654321, "result": {}})
        return text("stranger")
    if name == "silence":
        return None
    if name == "die":
        os._exit(given.get("status", 3))
    if name == "die_talking":
        write(b'{"jsonrpc":"2.0","id":' + json.dumps(ident).encode() + b',"result":{"content')
        os._exit(4)
    if name == "kill":
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(10)  # another thread may be the one that gets it
    if name == "close_output":
        os.close(1)
        return None
    if name == "close_input":
        os.close(0)
        return text("closed")
    if name == "freeze":
        os.kill(os.getpid(), signal.SIGSTOP)
        return text("thawed")
    if name == "fork":
        command = ["sleep", str(given.get("seconds", 300))]
        started = subprocess.Popen(command, start_new_session=given.get("detached", False))
        return text({"pid": started.pid})
    if name == "daemon":  # as daemons do: forked twice, in a session of its own, with no descriptor of anybody's
        reading, writing = os.pipe()
        first = os.fork()
        if first == 0:
            os.setsid()
            second = os.fork()
            if second == 0:
                for number in range(3):
                    os.dup2(os.open("/dev/null", os.O_RDWR), number)
                os.closerange(3, 1024)
                os.execvp("sleep", ["sleep", str(given.get("seconds", 300))])  # noqa: S606
            os.write(writing, str(second).encode())
            os._exit(0)
        os.waitpid(first, 0)
        os.close(writing)
        with os.fdopen(reading) as file:
            return text({"pid": int(file.read())})
    raise ValueError(name)


def handle(message: dict[str, Any]) -> None:
    ident, method = message["id"], message["method"]
    params = message.get("params") or {}
    meta = params.get("_meta") or {}
    try:
        if method == "tools/call":
            STATE["calls"] += 1
            result = call(ident, params["name"], params.get("arguments") or {}, meta)
        else:
            result = answer(method, params)
    except KeyError as error:
        say({"id": ident, "error": {"code": -32602, "message": f"missing {error}"}})
    except ValueError as error:
        say({"id": ident, "error": {"code": -32601, "message": f"no such thing: {error}"}})
    else:
        if result is not None:
            if "--modern" in sys.argv:
                result.setdefault("resultType", "complete")
            say({"id": ident, "result": result})


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    modern = "--modern" in sys.argv
    if method == "initialize" and not modern:
        STATE["client"] = params.get("clientInfo", {}).get("name")
        STATE["capabilities"] = params.get("capabilities")
        revision = option("--revision") or params["protocolVersion"]
        capabilities = {"tools": {"listChanged": True}, "logging": {}, "resources": {"subscribe": True}}
        return {
            "protocolVersion": revision,
            "capabilities": capabilities,
            "serverInfo": {"name": "hostile", "version": "1.0"},
            "instructions": "beware",
        }
    if method == "server/discover" and (modern or "--both" in sys.argv):
        return {
            "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {"listChanged": True}},
            "ttlMs": 0,
            "cacheScope": "private",
            "_meta": {PREFIX + "serverInfo": {"name": "hostile", "version": "1.0"}},
        }
    if method == "ping" and not modern and "--no-ping" not in sys.argv:
        return {}
    if method == "tools/list" and "--no-list" not in sys.argv:
        marked = {"region": {"type": "string", "x-mcp-header": "Region"}, "count": {"type": "integer"}}
        marked["where"] = {"type": "object", "properties": {"deep": {"type": "integer", "x-mcp-header": "Deep"}}}
        pages = {
            None: [{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "whoami")],
            "2": [{"name": "params", "inputSchema": {"type": "object", "properties": marked}}],
        }
        cursor = params.get("cursor")
        return {"tools": pages[cursor], **({} if cursor or "--pages" not in sys.argv else {"nextCursor": "2"})}
    if method in ("logging/setLevel", "resources/subscribe", "resources/unsubscribe") and not modern:
        return {}
    raise ValueError(method)


def option(name: str) -> str | None:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def listen(ident: Any, params: dict[str, Any]) -> None:
    """A subscription of 2026-07-28: acknowledged, then one change every tenth of a second until it is cancelled."""
    tag = {PREFIX + "subscriptionId": ident}
    say(
        {
            "method": "notifications/subscriptions/acknowledged",
            "params": {"_meta": tag, "notifications": params.get("notifications", {})},
        }
    )
    while ident not in CANCELLED:
        time.sleep(0.1)
        say({"method": "notifications/tools/list_changed", "params": {"_meta": tag}})


def main() -> None:
    if "--crash-at-start" in sys.argv:
        sys.stderr.write("cannot find my configuration\n")
        sys.exit(7)
    if "--ignore-term" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(float(option("--slow-start") or 0))
    for line in sys.stdin:
        message = json.loads(line)
        if "method" not in message:
            ANSWERS[message["id"]] = message
            ASKED.pop(message["id"], threading.Event()).set()
        elif "--silent" in sys.argv:
            continue
        elif message.get("method") == "notifications/cancelled":
            CANCELLED.add(message["params"]["requestId"])
        elif message.get("method") == "subscriptions/listen" and "--modern" in sys.argv:
            threading.Thread(target=listen, args=(message["id"], message["params"]), daemon=True).start()
        elif "id" in message:
            threading.Thread(target=handle, args=(message,), daemon=True).start()
    if "--ignore-term" in sys.argv:  # nor does it leave when its input ends
        time.sleep(300)


main()
