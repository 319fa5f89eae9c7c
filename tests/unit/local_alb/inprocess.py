"""The control plane without sockets: boto3's own client, answered in the same process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.credentials
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError
from local_alb.api.credentials import Credentials
from local_alb.api.dispatch import Api
from local_alb.api.faults import Faults
from local_alb.api.service_model import SIGNING_NAME
from local_alb.api.signature import Request
from local_alb.data_plane.health import HealthBook
from local_alb.model.first_start import first_world
from local_alb.model.state_file import StateFile
from local_alb.model.store import Store
from local_alb.model.world import LOCAL_LISTENER_ARN, LOCAL_LOAD_BALANCER_ARN, Document
from local_alb.operations.context import Context
from local_alb.validation.quotas import Quotas

from tests.credentials import ACCESS_KEY

LISTENER = LOCAL_LISTENER_ARN
BALANCER = LOCAL_LOAD_BALANCER_ARN
INSTANCE = "i-00000000000000001"
VPC = "vpc-00000000000000001"
# One session for all: it reads botocore's model once.
SESSION = boto3.session.Session()
KEY = Credentials(*ACCESS_KEY.values())


class Raw:
    """botocore's idea of the body of a reply that is still on the wire."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Any:
        yield self._body

    def read(self, *_: Any) -> bytes:
        return self._body


def received(sent: AWSPreparedRequest) -> Request:
    """A request of botocore's as a server reads it off the wire."""
    url = urlsplit(sent.url)
    headers = {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in [("Host", url.netloc), *sent.headers.items()]
    }
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
    return Request(sent.method, f"{url.path}?{url.query}" if url.query else url.path, list(headers.items()), body)


def signed(
    form: str, key: Credentials = KEY, method: str = "POST", region: str = "us-east-1", **headers: str
) -> Request:
    """A form as botocore signs it now, with further ``headers``, ``_`` for ``-`` in their names."""
    url, body = "http://127.0.0.1:8481/", form.encode()
    if method == "GET":
        url, body = f"{url}?{form}", b""
    request = AWSRequest(method, url, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    signer = SigV4Auth(botocore.credentials.Credentials(key.access_key_id, key.secret), SIGNING_NAME, region)
    signer.add_auth(request)
    return received(request.prepare())


class Alb:
    """A load balancer in memory and in ``directory``; ``now`` is its clock, in seconds."""

    def __init__(
        self,
        directory: Path,
        quotas: dict[str, int] | None = None,
        page_size: int = 400,
        certificates: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self.now = 1000.0
        self.health = HealthBook()
        self.ports_taken: set[int] = set()
        self.faults = Faults()
        file = StateFile(directory)
        loaded = file.load()
        world = first_world(loaded, 8080, self.now)
        self.store = Store(world, file)

        def context(_: float) -> Context:
            return Context(
                now=self.now,
                health=self.health,
                quotas=Quotas(quotas),
                is_port_taken=lambda port: port in self.ports_taken,
                certificates=certificates,
                page_size=page_size,
            )

        self.api = Api(self.store, context, lambda: KEY, self.faults)
        self.client = self._client(validate=True)
        # Sends what botocore itself would refuse, as another SDK might.
        self.unchecked = self._client(validate=False)

    def _client(self, validate: bool) -> Any:
        client = SESSION.client(
            "elbv2",
            region_name="us-east-1",
            endpoint_url="http://127.0.0.1:1",
            **ACCESS_KEY,
            config=Config(parameter_validation=validate, retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        answer = self.api.answer(received(request))
        return AWSResponse(request.url, answer.status, HTTPHeaders(), Raw(answer.body.encode()))

    def group(self, name: str = "mcp-time", **settings: Any) -> str:
        """Creates a target group; returns its ARN."""
        request = {"Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": VPC, **settings}
        return str(self.client.create_target_group(**request)["TargetGroups"][0]["TargetGroupArn"])

    def rule(self, priority: int, group: str | None = None, *paths: str, **settings: Any) -> str:
        """Creates a rule that forwards ``paths`` to ``group``, or answers 200; returns its ARN."""
        action: Document = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
        if group:
            action = {"Type": "forward", "TargetGroupArn": group}
        request = {
            "ListenerArn": LISTENER,
            "Priority": priority,
            "Conditions": [path_condition(*(paths or (f"/{priority}",)))],
            "Actions": [action],
            **settings,
        }
        return str(self.client.create_rule(**request)["Rules"][0]["RuleArn"])

    def register(self, group: str, *ports: int, target: str = INSTANCE) -> None:
        self.client.register_targets(TargetGroupArn=group, Targets=[{"Id": target, "Port": port} for port in ports])

    def health_of(self, group: str, *targets: Document) -> list[Document]:
        request: Document = {"TargetGroupArn": group}
        if targets:
            request["Targets"] = list(targets)
        return list(self.client.describe_target_health(**request)["TargetHealthDescriptions"])


def path_condition(*paths: str) -> Document:
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": list(paths)}}


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """The code and the message with which a call is refused; fails where it is not."""
    try:
        call(**request)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError("the call was not refused")


def code_of(call: Callable[..., Any], **request: Any) -> str:
    return refusal(call, **request)[0]
