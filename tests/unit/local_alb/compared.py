"""The same calls to this load balancer and to moto, an independent implementation: two worlds, and what a case is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from local_alb.model.tls import LOCAL_CERTIFICATE_ARN
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.elbv2.models import elbv2_backends

from tests.unit.local_alb.inprocess import LISTENER, Alb, Document, path_condition

REGION = "us-east-1"
REFERENCE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
# One of the images that moto knows of itself; asking it for the list takes two seconds.
IMAGE = "ami-03cf127a"
ANSWER: Document = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}


@dataclass
class World:
    """One implementation with a load balancer, its listener on port 8080 and a certificate in it."""

    client: Any
    vpc: str
    subnets: list[str]
    balancer: str
    listener: str
    instance: str
    certificate: str

    def group(self, name: str = "g", **settings: Any) -> str:
        """Creates a target group; returns its ARN."""
        request = {"Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": self.vpc, **settings}
        return str(self.client.create_target_group(**request)["TargetGroups"][0]["TargetGroupArn"])

    def rule(self, priority: int = 1, group: str | None = None, **settings: Any) -> str:
        """Creates a rule that forwards to ``group``, or answers 404; returns its ARN."""
        action = {"Type": "forward", "TargetGroupArn": group} if group else ANSWER
        request = {
            "ListenerArn": self.listener,
            "Priority": priority,
            "Conditions": [path_condition(f"/{priority}")],
            "Actions": [action],
            **settings,
        }
        return str(self.client.create_rule(**request)["Rules"][0]["RuleArn"])

    def new_balancer(self, name: str = "other", **settings: Any) -> str:
        """Creates a load balancer; returns its ARN."""
        request = {"Name": name, "Subnets": self.subnets, **settings}
        return str(self.client.create_load_balancer(**request)["LoadBalancers"][0]["LoadBalancerArn"])

    def new_listener(self, **settings: Any) -> str:
        """Creates a listener on port 8081, or as ``settings`` say; returns its ARN."""
        request = {
            "LoadBalancerArn": self.balancer,
            "Protocol": "HTTP",
            "Port": 8081,
            "DefaultActions": [ANSWER],
            **settings,
        }
        return str(self.client.create_listener(**request)["Listeners"][0]["ListenerArn"])

    def https(self) -> str:
        """Creates an HTTPS listener on port 8443; returns its ARN."""
        return self.new_listener(
            Protocol="HTTPS", Port=8443, Certificates=[{"CertificateArn": self.certificate}], SslPolicy=POLICY
        )

    def register(self, group: str, *ports: int) -> None:
        self.client.register_targets(
            TargetGroupArn=group, Targets=[{"Id": self.instance, "Port": port} for port in ports]
        )

    def gone(self, arn: str) -> str:
        """``arn`` with another id at its end, which nothing has."""
        return arn[:-2] + ("00" if arn[-2:] != "00" else "11")


def our_world(directory: Path) -> World:
    alb = Alb(directory, certificates=lambda: frozenset({LOCAL_CERTIFICATE_ARN}))
    balancer = alb.client.describe_load_balancers()["LoadBalancers"][0]
    subnets = [zone["SubnetId"] for zone in balancer["AvailabilityZones"]]
    return World(
        alb.unchecked,
        balancer["VpcId"],
        subnets,
        balancer["LoadBalancerArn"],
        LISTENER,
        "i-00000000000000001",
        LOCAL_CERTIFICATE_ARN,
    )


@contextmanager
def their_worlds() -> Iterator[Callable[[], World]]:
    """What makes a new world of moto's, within this block; the one before is gone then."""
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
            for number, zone in enumerate("ab")
        ]
        ids = [subnet["SubnetId"] for subnet in subnets]
        instance = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=ids[0])["Instances"][0]
        certificate = boto3.client("iam", region_name=REGION).upload_server_certificate(
            ServerCertificateName="local", CertificateBody="certificate", PrivateKey="key"
        )["ServerCertificateMetadata"]["Arn"]
        # As with ours, what botocore itself would refuse is to reach the implementation.
        client = boto3.client("elbv2", region_name=REGION, config=Config(parameter_validation=False))

        def new_world() -> World:
            elbv2_backends[DEFAULT_ACCOUNT_ID][REGION].reset()
            world = World(client, vpc, ids, "", "", instance["InstanceId"], certificate)
            world.balancer = world.new_balancer("mcp-local")
            world.listener = world.new_listener(Port=8080)
            return world

        yield new_world


Run = Callable[[World], Any]


@dataclass(frozen=True)
class Case:
    """One use of an operation. ``documented`` is what AWS's documentation, named in ``source``, says of it where the
    two implementations differ; ``code`` the error where both refuse it."""

    operation: str
    what: str
    run: Run
    code: str = ""
    differs: bool = False
    documented: Any = None
    source: str = ""

    @property
    def page(self) -> str:
        """The page that the case is about: the reference of its operation."""
        return f"{REFERENCE}/API_{self.operation}.html"

    @property
    def refused(self) -> bool:
        """Whether the documented answer is an error."""
        return bool(self.code) or str(self.documented).startswith("refused: ")


def same(operation: str, what: str, run: Run) -> Case:
    """Both do it, and say the same of it."""
    return Case(operation, what, run)


def both_refuse(operation: str, what: str, run: Run, code: str = "ValidationError") -> Case:
    """Both answer with this error."""
    return Case(operation, what, run, code=code)


def differs(operation: str, what: str, run: Run, documented: Any, source: str) -> Case:
    """moto says something else than what is documented."""
    return Case(operation, what, run, differs=True, documented=documented, source=source)


def documented_refusal(operation: str, what: str, run: Run, source: str, code: str = "ValidationError") -> Case:
    """moto does what is documented to be refused, or refuses it with another code."""
    return Case(operation, what, run, differs=True, documented=f"refused: {code}", source=source)


def outcome(run: Run, world: World) -> Any:
    """What a case gives, or the code with which it is refused; with the implementation's own names taken out."""
    try:
        found = run(world)
    except ClientError as error:
        return f"refused: {error.response['Error']['Code']}"
    except (KeyError, ValueError) as error:
        return f"broken: {type(error).__name__}"
    return _neutral(found, world)


def _neutral(value: Any, world: World) -> Any:
    if isinstance(value, dict):
        return {key: _neutral(item, world) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [_neutral(item, world) for item in value]
    if value == world.certificate:
        return "certificate"
    if isinstance(value, str) and value.startswith("arn:"):
        return value.split(":")[5].split("/")[0]
    names = {world.vpc: "vpc", world.instance: "instance"} | dict.fromkeys(world.subnets, "subnet")
    return names.get(value, value) if isinstance(value, str) else value


def picked(document: Document, *names: str) -> Document:
    return {name: document.get(name) for name in names}


def sizes_of_pages(ask: Callable[..., Document], key: str, **request: Any) -> list[int]:
    """How many items each page of a Describe call has, up to the last."""
    sizes, marker = [], {}
    while True:
        page = ask(**request, **marker)
        sizes.append(len(page[key]))
        if "NextMarker" not in page:
            return sizes
        marker = {"Marker": page["NextMarker"]}


def values_of(attributes: list[Document], *keys: str) -> Document:
    """The values of some attributes by their keys."""
    found = {item["Key"]: item["Value"] for item in attributes}
    return picked(found, *keys)
