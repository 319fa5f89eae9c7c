"""A local ALB with its HAProxy and some upstreams, on free ports and in a folder of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.credentials import ACCESS_KEY, write_credentials
from tests.e2e.ports import free_port

FILES = Path(__file__).resolve().parents[2] / "files"
BALANCER = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/mcp-local/0000000000000001"
LISTENER = f"{BALANCER.replace(':loadbalancer/', ':listener/')}/0000000000000001"
INSTANCE = "i-00000000000000001"
VPC = "vpc-00000000000000001"
DEADLINE = 30.0

Document = dict[str, Any]


def eventually(condition: Callable[[], Any], what: str, within: float = DEADLINE) -> Any:
    """Waits until ``condition`` gives something true, and returns it; fails with ``what`` after ``within`` seconds."""
    deadline = time.monotonic() + within
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {what} (last: {result!r})")
        time.sleep(0.02)


class Reply:
    """What came back for one request."""

    def __init__(self, status: int, fields: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in fields}
        # By their names; the attributes stand behind the value.
        self.cookies = dict(value.split("=", 1) for name, value in fields if name.lower() == "set-cookie")
        self.body = body

    @property
    def seen(self) -> Document:
        """The request as the upstream saw it."""
        return dict(json.loads(self.body))


class Upstream:
    """A target: tells what it was asked, streams events, and is as healthy as it is told to be."""

    def __init__(
        self, name: str = "upstream", port: int = 0, tls: Any = None, fixed: bytes | None = None, raw: bytes = b""
    ) -> None:
        """``fixed`` is the body of every answer, ``raw`` what goes over the wire instead of any."""
        self.name = name
        self.health = 200
        self.hold = threading.Event()
        self.go = threading.Event()
        self.requests = 0
        self.fixed = fixed
        self.raw = raw
        upstream = self

        class Handler(_Handler):
            owner = upstream

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that go away are part of the tests."""

        self._server = Server(("127.0.0.1", port), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: Upstream
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536

    def do_GET(self) -> None:
        owner = self.owner
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        if owner.raw:
            self.wfile.write(owner.raw)
            self.close_connection = True
            return
        if self.path == "/health":
            self._answer(owner.health, b"")
            return
        owner.requests += 1
        if owner.fixed is not None:
            self._answer(200, owner.fixed)
        elif self.headers.get("Upgrade", "").lower() == "websocket":
            self._upgrade()
        elif self.path.startswith("/stream"):
            self._stream()
        elif self.path.startswith("/slow"):
            owner.hold.set()
            owner.go.wait(DEADLINE)
            self._answer(200, b"{}")
        else:
            seen = {
                "upstream": owner.name,
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "all": [[name.lower(), value] for name, value in self.headers.items()],
                "body": body,
            }
            self._answer(200, json.dumps(seen).encode())

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.headers.get("X-Open-Session"):
            self.send_header("Mcp-Session-Id", f"session-of-{self.owner.name}")
        if self.headers.get("X-Log-In"):
            self.send_header("Set-Cookie", f"login=at-{self.owner.name}; HttpOnly")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self) -> None:
        """One event at once, and one more each time that ``go`` is set; ends when it cannot be sent."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        number = 0
        while True:
            event = f"data: {self.owner.name} {number}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
            number += 1
            self.owner.go.wait()
            self.owner.go.clear()

    def _upgrade(self) -> None:
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_header("Sec-WebSocket-Accept", b64encode(sha1(key.encode()).digest()).decode())  # noqa: S324
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        while data := self.connection.recv(4096):
            self.connection.sendall(b"echo:" + data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Host:
    """The two processes, each of which can be stopped, killed and started alone."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.options = options
        self.control, self.port = free_port(), free_port()
        self.directory = root / "state"
        self.credentials = write_credentials(root / "credentials")
        self.config = root / "haproxy.cfg"
        self.socket = root / "master.sock"
        self.alb: subprocess.Popen[str] | None = None
        self.haproxy: subprocess.Popen[str] | None = None
        self.upstreams: list[Upstream] = []
        self.client = boto3.client(
            "elbv2",
            endpoint_url=f"http://127.0.0.1:{self.control}",
            region_name="us-east-1",
            **ACCESS_KEY,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "local_alb"),
            *("--directory", str(self.directory)),
            *("--control", f"127.0.0.1:{self.control}"),
            *("--credentials", str(self.credentials)),
            *("--listener", f"127.0.0.1:{self.port}"),
            *("--haproxy-config", str(self.config)),
            *("--haproxy-socket", str(self.socket)),
            *self.options,
        ]

    def start(self) -> Host:
        self.start_alb()
        eventually(self.config.exists, "the configuration of HAProxy is written")
        self.start_haproxy()
        self.settled()
        return self

    def start_alb(self) -> None:
        log = open(self.root / "alb.log", "a")  # noqa: SIM115
        environment = {**os.environ, **self.environment()}
        self.alb = subprocess.Popen(self.command(), cwd=FILES, stderr=log, text=True, env=environment)
        eventually(self.status, "the control plane answers")

    def environment(self) -> dict[str, str]:
        return {}

    def start_haproxy(self) -> None:
        log = open(self.root / "haproxy.log", "a")  # noqa: SIM115
        command = ["haproxy", "-W", "-S", str(self.socket), "-f", str(self.config)]
        self.haproxy = subprocess.Popen(command, stdout=log, stderr=log, text=True)

    def status(self) -> Document | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.control, timeout=5)
        try:
            connection.request("GET", "/health")
            return dict(json.loads(connection.getresponse().read()))
        except OSError:
            return None
        finally:
            connection.close()

    def settled(self) -> None:
        """Waits until HAProxy serves what the control plane was told so far."""
        eventually(lambda: (self.status() or {}).get("current"), f"HAProxy serves the rules; {self.status()}")

    def kill_alb(self) -> None:
        assert self.alb
        self.alb.send_signal(signal.SIGKILL)
        self.alb.wait()

    def kill_haproxy(self) -> None:
        assert self.haproxy
        self.haproxy.send_signal(signal.SIGKILL)
        self.haproxy.wait()

    def close(self) -> None:
        for upstream in self.upstreams:
            upstream.close()
        for process in (self.alb, self.haproxy):
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def log(self) -> str:
        return (self.root / "alb.log").read_text()

    # What tests set up

    def upstream(self, name: str = "upstream", port: int = 0) -> Upstream:
        upstream = Upstream(name, port)
        self.upstreams.append(upstream)
        return upstream

    def group(self, name: str, *ports: int, delay: int = 0, **settings: Any) -> str:
        """A target group with health checks of ``/health``, and targets on these ports of this host."""
        request = {
            "Name": name,
            "Protocol": "HTTP",
            "Port": 80,
            "VpcId": VPC,
            "HealthCheckPath": "/health",
            "HealthCheckIntervalSeconds": 5,
            "HealthCheckTimeoutSeconds": 2,
            "HealthyThresholdCount": 2,
            **settings,
        }
        arn = str(self.client.create_target_group(**request)["TargetGroups"][0]["TargetGroupArn"])
        self.client.modify_target_group_attributes(
            TargetGroupArn=arn, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(delay)}]
        )
        if ports:
            self.register(arn, *ports)
        return arn

    def register(self, group: str, *ports: int) -> None:
        self.client.register_targets(TargetGroupArn=group, Targets=[{"Id": INSTANCE, "Port": port} for port in ports])

    def deregister(self, group: str, *ports: int) -> None:
        self.client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": INSTANCE, "Port": port} for port in ports])

    def rule(self, priority: int, paths: list[str] | None, group: str | None = None, **settings: Any) -> str:
        """A rule for path patterns; forwards to ``group`` or does what ``settings`` say."""
        request: Document = {"ListenerArn": LISTENER, "Priority": priority}
        if paths:
            request["Conditions"] = [{"Field": "path-pattern", "PathPatternConfig": {"Values": paths}}]
        if group:
            request["Actions"] = [{"Type": "forward", "TargetGroupArn": group}]
        return str(self.client.create_rule(**{**request, **settings})["Rules"][0]["RuleArn"])

    def states(self, group: str) -> dict[int, str]:
        """The states of a group's targets by port."""
        answer = self.client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {item["Target"]["Port"]: item["TargetHealth"]["State"] for item in answer}

    def reaches(self, group: str, port: int, state: str | None) -> None:
        """Waits until a target is in the state; None means that it is not there any more."""
        eventually(lambda: self.states(group).get(port) == state, f"the target {port} is {state}")

    def healthy(self, *groups: str) -> None:
        def all_healthy() -> bool:
            return all(set(self.states(group).values()) == {"healthy"} for group in groups)

        eventually(all_healthy, f"all targets of {groups} are healthy")
        self.settled()

    def get(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Reply:
        """One request through HAProxy on a connection of its own; header names with ``_`` for ``-``."""
        return self.send(path, {name.replace("_", "-"): value for name, value in headers.items()}, method, body)

    def send(self, path: str, headers: dict[str, str], method: str = "GET", body: str | None = None) -> Reply:
        """The same with header names as they are."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def stream(self, path: str) -> http.client.HTTPResponse:
        """An open event stream; the caller closes it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request("GET", path)
        return connection.getresponse()


@contextlib.contextmanager
def running(host: Host) -> Iterator[Host]:
    """``host`` with both processes, which end with the block, however far they came."""
    try:
        yield host.start()
    finally:
        host.close()


def next_event(stream: http.client.HTTPResponse) -> str:
    """The data of the next event of a stream, empty at its end."""
    line = stream.readline().decode().strip()
    if line:
        stream.readline()
    return line.removeprefix("data: ")
