"""The local ALB, started for a test: control plane and HAProxy, two processes on ports and in a folder of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.credentials import ACCESS_KEY, write_credentials
from tests.e2e.support.ports import free_port
from tests.e2e.support.upstream import PATIENCE_SECONDS, Upstream
from tests.e2e.support.waiting import until

FILES = Path(__file__).resolve().parents[3] / "files"
BALANCER_ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/mcp-local/0000000000000001"
LISTENER_ARN = f"{BALANCER_ARN.replace(':loadbalancer/', ':listener/')}/0000000000000001"
INSTANCE_ID = "i-00000000000000001"
VPC_ID = "vpc-00000000000000001"

Document = dict[str, Any]


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


class LocalAlb:
    """The two processes, each of which can be stopped, killed and started alone.

    ``options`` are further ones of the control plane, ``--faults`` for one.
    """

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.options = options
        self.control, self.port = free_port(), free_port()
        self.endpoint_url = f"http://127.0.0.1:{self.control}"
        self.url = f"http://127.0.0.1:{self.port}"
        self.directory = root / "state"
        self.credentials = write_credentials(root / "credentials")
        self.config = root / "haproxy.cfg"
        self.socket = root / "master.sock"
        self.alb: subprocess.Popen[str] | None = None
        self.haproxy: subprocess.Popen[str] | None = None
        self.upstreams: list[Upstream] = []
        self.client = boto3.client(
            "elbv2",
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            **ACCESS_KEY,
            config=Config(retries={"total_max_attempts": 1}),
        )

    @property
    def access(self) -> tuple[None, str, str]:
        """What the modules' ``connect`` needs to reach the control plane."""
        return None, self.endpoint_url, str(self.credentials)

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

    def start(self) -> LocalAlb:
        self.start_alb()
        until(self.config.exists, "the configuration of HAProxy is written")
        self.start_haproxy()
        self.settled()
        return self

    def start_alb(self) -> None:
        log = open(self.root / "alb.log", "a")  # noqa: SIM115
        environment = {**os.environ, **self.environment()}
        self.alb = subprocess.Popen(self.command(), cwd=FILES, stderr=log, text=True, env=environment)
        until(self.health, "the control plane answers")

    def environment(self) -> dict[str, str]:
        return {}

    def start_haproxy(self) -> None:
        log = open(self.root / "haproxy.log", "a")  # noqa: SIM115
        command = ["haproxy", "-W", "-S", str(self.socket), "-f", str(self.config)]
        self.haproxy = subprocess.Popen(command, stdout=log, stderr=log, text=True, start_new_session=True)

    def health(self) -> Document | None:
        """What the control plane says of itself; None where it does not answer."""
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
        until(lambda: (self.health() or {}).get("current"), f"HAProxy serves the rules; {self.health()}")

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
        if self.haproxy:  # old workers finish their streams in their own time
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.haproxy.pid, signal.SIGKILL)

    def log(self) -> str:
        return (self.root / "alb.log").read_text()

    # Faults of the control plane

    def set_faults(self, *faults: Document, throttle: dict[str, list[float]] | None = None) -> None:
        """Replaces the control plane's faults; this also forgets the calls that it has counted."""
        body = json.dumps({"faults": faults, **({"throttle": throttle} if throttle else {})}).encode()
        request = urllib.request.Request(f"{self.endpoint_url}/faults", body, method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    @property
    def calls(self) -> list[str]:
        """The operations called since the faults were set."""
        with urllib.request.urlopen(f"{self.endpoint_url}/faults", timeout=10) as answer:
            return list(json.load(answer)["calls"])

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
            "VpcId": VPC_ID,
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
        self.client.register_targets(
            TargetGroupArn=group, Targets=[{"Id": INSTANCE_ID, "Port": port} for port in ports]
        )

    def deregister(self, group: str, *ports: int) -> None:
        self.client.deregister_targets(
            TargetGroupArn=group, Targets=[{"Id": INSTANCE_ID, "Port": port} for port in ports]
        )

    def rule(self, priority: int, paths: list[str] | None, group: str | None = None, **settings: Any) -> str:
        """A rule for path patterns; forwards to ``group`` or does what ``settings`` say."""
        request: Document = {"ListenerArn": LISTENER_ARN, "Priority": priority}
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
        until(lambda: self.states(group).get(port) == state, f"the target {port} is {state}")

    def healthy(self, *groups: str) -> None:
        def all_healthy() -> bool:
            return all(set(self.states(group).values()) == {"healthy"} for group in groups)

        until(all_healthy, f"all targets of {groups} are healthy")
        self.settled()

    def get(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Reply:
        """One request through HAProxy on a connection of its own; header names with ``_`` for ``-``."""
        return self.send(path, {name.replace("_", "-"): value for name, value in headers.items()}, method, body)

    def send(self, path: str, headers: dict[str, str], method: str = "GET", body: str | None = None) -> Reply:
        """The same with header names as they are."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def ask(self, path: str) -> tuple[int, Document]:
        """The status and the JSON that a path answers with through HAProxy; 0 where nobody answers."""
        try:
            reply = self.get(path)
        except OSError:
            return 0, {}
        return reply.status, reply.seen if reply.status < 400 else {}

    def status(self, path: str) -> int:
        """The HTTP status of the same."""
        return self.ask(path)[0]

    def stream(self, path: str) -> http.client.HTTPResponse:
        """An open event stream; the caller closes it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        connection.request("GET", path)
        return connection.getresponse()


@contextlib.contextmanager
def running(alb: LocalAlb) -> Iterator[LocalAlb]:
    """``alb`` with both processes, which end with the block, however far they came."""
    try:
        yield alb.start()
    finally:
        alb.close()


def next_event(stream: http.client.HTTPResponse) -> str:
    """The data of the next event of a stream, empty at its end."""
    line = stream.readline().decode().strip()
    if line:
        stream.readline()
    return line.removeprefix("data: ")
