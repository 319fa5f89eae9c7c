"""The same calls to this load balancer and to moto, an independent implementation.

Where the two agree, neither invented it. Where they do not, the table names the documentation that settles it: each
such case holds the answer that is documented, and what moto says instead, so that it is noticed when moto changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.unit.local_alb.inprocess import LISTENER, Alb, path_condition

Document = dict[str, Any]
# One of the images that moto knows of itself; asking it for the list takes two seconds.
IMAGE = "ami-03cf127a"
ANSWER = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}


@dataclass
class World:
    """One implementation with a load balancer and a listener in it."""

    client: Any
    vpc: str
    balancer: str
    listener: str
    instance: str

    def group(self, name: str = "g", **settings: Any) -> str:
        request = {"Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": self.vpc, **settings}
        return str(self.client.create_target_group(**request)["TargetGroups"][0]["TargetGroupArn"])

    def rule(self, priority: int, group: str | None = None, **settings: Any) -> str:
        action = {"Type": "forward", "TargetGroupArn": group} if group else ANSWER
        request = {
            "ListenerArn": self.listener,
            "Priority": priority,
            "Conditions": [path_condition(f"/{priority}")],
            "Actions": [action],
            **settings,
        }
        return str(self.client.create_rule(**request)["Rules"][0]["RuleArn"])


@pytest.fixture
def ours(tmp_path: Path) -> World:
    alb = Alb(tmp_path)
    balancer = alb.client.describe_load_balancers()["LoadBalancers"][0]
    instance = "i-00000000000000001"
    return World(alb.client, balancer["VpcId"], balancer["LoadBalancerArn"], LISTENER, instance)


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        ec2 = boto3.client("ec2", region_name="us-east-1")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")
            for number, zone in enumerate("ab")
        ]
        ids = [subnet["Subnet"]["SubnetId"] for subnet in subnets]
        instance = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=ids[0])["Instances"][0]
        client = boto3.client("elbv2", region_name="us-east-1")
        balancer = client.create_load_balancer(Name="mcp-local", Subnets=ids)["LoadBalancers"][0]["LoadBalancerArn"]
        listener = client.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=8080, DefaultActions=[ANSWER]
        )["Listeners"][0]["ListenerArn"]
        yield World(client, vpc, balancer, listener, instance["InstanceId"])


def outcome(case: Callable[[World], Any], world: World) -> Any:
    """What a case gives, or the code with which it is refused; with the implementation's own names taken out."""
    try:
        found = case(world)
    except ClientError as error:
        return f"refused: {error.response['Error']['Code']}"
    return neutral(found, world)


def neutral(value: Any, world: World) -> Any:
    if isinstance(value, dict):
        return {key: neutral(item, world) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [neutral(item, world) for item in value]
    if isinstance(value, str) and value.startswith("arn:"):
        return value.split(":")[5].split("/")[0]
    return {world.vpc: "vpc", world.instance: "instance"}.get(value, value) if isinstance(value, str) else value


def picked(document: Document, *names: str) -> Document:
    return {name: document.get(name) for name in names}


# Cases in which both must say the same


def new_group(world: World) -> Document:
    group = world.client.create_target_group(
        Name="g", Protocol="HTTP", Port=80, VpcId=world.vpc, HealthCheckPath="/health", Matcher={"HttpCode": "200-399"}
    )["TargetGroups"][0]
    left_out = {"LoadBalancerArns", "IpAddressType"}
    return {key: value for key, value in group.items() if key not in left_out}


def same_group_twice(world: World) -> bool:
    return world.group() == world.group()


def same_name_other_settings(world: World) -> str:
    world.group()
    return world.group(Port=81)


def unknown_group(world: World) -> Any:
    arn = world.group()
    world.client.delete_target_group(TargetGroupArn=arn)
    return world.client.describe_target_groups(TargetGroupArns=[arn])


def unknown_group_name(world: World) -> Any:
    return world.client.describe_target_groups(Names=["gone"])


def group_in_use(world: World) -> Any:
    group = world.group()
    world.rule(1, group)
    return world.client.delete_target_group(TargetGroupArn=group)


def group_deleted_twice(world: World) -> str:
    group = world.group()
    world.client.delete_target_group(TargetGroupArn=group)
    world.client.delete_target_group(TargetGroupArn=group)
    return "gone"


def long_name(world: World) -> str:
    return world.group("x" * 33)


def name_with_hyphen_at_its_end(world: World) -> str:
    return world.group("x-")


def modified_group(world: World) -> Document:
    arn = world.group()
    group = world.client.modify_target_group(
        TargetGroupArn=arn, HealthCheckPath="/h", HealthCheckIntervalSeconds=10, Matcher={"HttpCode": "204"}
    )["TargetGroups"][0]
    return picked(group, "HealthCheckPath", "HealthCheckIntervalSeconds", "Matcher", "UnhealthyThresholdCount")


def delay_attribute(world: World) -> Document:
    arn = world.group()
    key = "deregistration_delay.timeout_seconds"
    world.client.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[{"Key": key, "Value": "7"}])
    attributes = world.client.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    values = {item["Key"]: item["Value"] for item in attributes}
    return picked(values, key, "stickiness.enabled", "stickiness.type", "load_balancing.algorithm.type")


def new_rule(world: World) -> Document:
    arn = world.rule(10, world.group())
    rule = world.client.describe_rules(RuleArns=[arn])["Rules"][0]
    return picked(rule, "Priority", "IsDefault")


def rules_in_order(world: World) -> list[str]:
    for priority in (30, 10, 20):
        world.rule(priority)
    return [rule["Priority"] for rule in world.client.describe_rules(ListenerArn=world.listener)["Rules"]]


def priority_taken(world: World) -> str:
    world.rule(1)
    return world.rule(1)


def unknown_rule(world: World) -> Any:
    arn = world.rule(1)
    world.client.delete_rule(RuleArn=arn)
    return world.client.describe_rules(RuleArns=[arn])


def unknown_listener(world: World) -> Any:
    listener = world.listener[:-1] + ("0" if world.listener[-1] != "0" else "2")
    return world.client.describe_rules(ListenerArn=listener)


def rule_to_nowhere(world: World) -> str:
    group = world.group()
    world.client.delete_target_group(TargetGroupArn=group)
    return world.rule(1, group)


def moved_rule(world: World) -> list[str]:
    arn = world.rule(1)
    world.client.set_rule_priorities(RulePriorities=[{"RuleArn": arn, "Priority": 5}])
    return [rule["Priority"] for rule in world.client.describe_rules(ListenerArn=world.listener)["Rules"]]


def priority_of_another(world: World) -> Any:
    first = world.rule(1)
    world.rule(2)
    return world.client.set_rule_priorities(RulePriorities=[{"RuleArn": first, "Priority": 2}])["Rules"]


def modified_rule(world: World) -> Any:
    arn = world.rule(1)
    conditions = [path_condition("/new")]
    rule = world.client.modify_rule(RuleArn=arn, Conditions=conditions)["Rules"][0]
    return rule["Conditions"][0]["PathPatternConfig"], rule["Actions"][0]["Type"]


def described_fixed_response(world: World) -> Any:
    arn = world.rule(1)
    return world.client.describe_rules(RuleArns=[arn])["Rules"][0]["Actions"][0]["FixedResponseConfig"]


def tags_there_and_back(world: World) -> Any:
    arn = world.group(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    world.client.add_tags(ResourceArns=[arn], Tags=[{"Key": "a", "Value": "3"}])
    world.client.remove_tags(ResourceArns=[arn], TagKeys=["b", "c"])
    return world.client.describe_tags(ResourceArns=[arn])["TagDescriptions"]


def tag_key_twice(world: World) -> Any:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    return world.client.add_tags(ResourceArns=[world.group()], Tags=tags)


def unused_target(world: World) -> Any:
    group = world.group()
    world.client.register_targets(TargetGroupArn=group, Targets=[{"Id": world.instance, "Port": 8001}])
    found = world.client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [picked(item["Target"], "Id", "Port") for item in found]


def unknown_target_deregistered(world: World) -> str:
    group = world.group()
    world.client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": world.instance, "Port": 9}])
    return "nothing said"


def listener_twice_on_a_port(world: World) -> Any:
    other = {**ANSWER, "FixedResponseConfig": {"StatusCode": "200"}}
    request = {"LoadBalancerArn": world.balancer, "Protocol": "HTTP", "Port": 8080, "DefaultActions": [other]}
    return world.client.create_listener(**request)["Listeners"]


def unknown_balancer(world: World) -> Any:
    return world.client.describe_load_balancers(Names=["gone"])


def idle_timeout(world: World) -> Any:
    change = [{"Key": "idle_timeout.timeout_seconds", "Value": "90"}]
    world.client.modify_load_balancer_attributes(LoadBalancerArn=world.balancer, Attributes=change)
    attributes = world.client.describe_load_balancer_attributes(LoadBalancerArn=world.balancer)["Attributes"]
    return {item["Key"]: item["Value"] for item in attributes}["idle_timeout.timeout_seconds"]


def timeout_as_long_as_the_interval(world: World) -> str:
    return world.group(HealthCheckIntervalSeconds=10, HealthCheckTimeoutSeconds=10)


AGREED = [
    new_group,
    same_name_other_settings,
    unknown_group,
    unknown_group_name,
    group_in_use,
    long_name,
    name_with_hyphen_at_its_end,
    modified_group,
    delay_attribute,
    new_rule,
    priority_taken,
    unknown_rule,
    unknown_listener,
    rule_to_nowhere,
    moved_rule,
    priority_of_another,
    modified_rule,
    described_fixed_response,
    tags_there_and_back,
    unused_target,
    unknown_balancer,
    idle_timeout,
    timeout_as_long_as_the_interval,
]


@pytest.mark.parametrize("case", AGREED, ids=lambda case: case.__name__)
def test_both_say_the_same(case: Callable[[World], Any], ours: World, theirs: World) -> None:
    assert outcome(case, ours) == outcome(case, theirs)


# Cases in which they differ


def swap(world: World) -> list[str]:
    first, second = world.rule(1), world.rule(2)
    moves = [{"RuleArn": first, "Priority": 2}, {"RuleArn": second, "Priority": 1}]
    world.client.set_rule_priorities(RulePriorities=moves)
    return [rule["Priority"] for rule in world.client.describe_rules(ListenerArn=world.listener)["Rules"]]


def transforms_kept(world: World) -> bool:
    rewrite = {"Rewrites": [{"Regex": "^/a", "Replace": "/b"}]}
    arn = world.rule(1, world.group(), Transforms=[{"Type": "url-rewrite", "UrlRewriteConfig": rewrite}])
    return bool(world.client.describe_rules(RuleArns=[arn])["Rules"][0].get("Transforms"))


def two_ports_of_one_instance(world: World) -> list[int]:
    group = world.group()
    targets = [{"Id": world.instance, "Port": port} for port in (8001, 8002)]
    world.client.register_targets(TargetGroupArn=group, Targets=targets)
    found = world.client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [item["Target"]["Port"] for item in found]


def target_of_an_unused_group(world: World) -> str:
    group = world.group()
    world.client.register_targets(TargetGroupArn=group, Targets=[{"Id": world.instance, "Port": 8001}])
    found = world.client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return str(found[0]["TargetHealth"]["State"])


def six_values(world: World) -> str:
    return world.rule(1, Conditions=[path_condition(*(f"/{number}" for number in range(6)))])


def twenty_one_tag_arns(world: World) -> int:
    groups = [world.group(f"g{number}") for number in range(21)]
    return len(world.client.describe_tags(ResourceArns=groups)["TagDescriptions"])


DISAGREED = [
    (swap, ["1", "2", "default"], "SetRulePriorities: reorders as long as the new order has no conflicts"),
    (transforms_kept, True, "CreateRule: Transforms, and the Rule structure that shows them"),
    (two_ports_of_one_instance, [8001, 8002], "RegisterTargets: the same instance several times on different ports"),
    (target_of_an_unused_group, "unused", "TargetHealth: Target.NotInUse where no load balancer uses the group"),
    (six_values, "refused: ValidationError", "Quotas: 5 condition values a rule"),
    (twenty_one_tag_arns, "refused: ValidationError", "DescribeTags: up to 20 resources in a single call"),
    (group_deleted_twice, "gone", "DeleteTargetGroup: ResourceInUse is its only error in the service model"),
    (rules_in_order, ["10", "20", "30", "default"], "Listener rules: evaluated in priority order, the default last"),
    (tag_key_twice, "refused: DuplicateTagKeys", "AddTags: DuplicateTagKeys where a key was given more than once"),
    (unknown_target_deregistered, "nothing said", "DeregisterTargets: a target that does not exist is no error"),
    (listener_twice_on_a_port, "refused: DuplicateListener", "CreateListener: a listener with this port exists"),
    (same_group_twice, True, "CreateTargetGroup: idempotent; the same settings again succeed"),
]


@pytest.mark.parametrize(("case", "documented", "source"), DISAGREED, ids=lambda value: getattr(value, "__name__", ""))
def test_where_they_differ_ours_does_what_is_documented(
    case: Callable[[World], Any], documented: Any, source: str, ours: World, theirs: World
) -> None:
    assert outcome(case, ours) == documented, source
    assert outcome(case, theirs) != documented, f"moto now agrees: {source}"
