"""The routes against moto, an implementation of the same API that nobody here wrote.

What moto does otherwise than AWS, and what is therefore left to the local ALB: it drops ``Transforms`` (so no route
here has its prefix removed), it has no data plane and calls every registered target healthy at once, and it refuses to
let two rules swap their priorities.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import Api, connect
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, Result, reconcile
from moto import mock_aws

REGION = "eu-west-1"


class Account(NamedTuple):
    """An account with a shared load balancer."""

    elbv2: Any
    api: Api
    owner: Owner

    def run(self, *routes: Route, **options: Any) -> Result:
        return reconcile(self.api, DesiredRoutes(self.owner, routes), Options(wait_timeout=5, **options))

    def rules(self) -> list[dict[str, Any]]:
        found = self.elbv2.describe_rules(ListenerArn=self.owner.listener_arn)["Rules"]
        return [rule for rule in found if not rule["IsDefault"]]

    def add_foreign_rule(self, priority: int, path: str) -> str:
        rule = self.elbv2.create_rule(
            ListenerArn=self.owner.listener_arn,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
        )["Rules"][0]
        return str(rule["RuleArn"])


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        elbv2 = boto3.client("elbv2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for index, zone in enumerate((f"{REGION}a", f"{REGION}b"))
        ]
        image = ec2.describe_images()["Images"][0]["ImageId"]
        instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnets[0])["Instances"][0]
        balancer = elbv2.create_load_balancer(Name="shared", Subnets=subnets)["LoadBalancers"][0]
        listener = elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]["ListenerArn"]
        yield Account(elbv2, connect(REGION, None), Owner("mcp", listener, instance["InstanceId"]))


TIME = Route("time", "/mcp/time", (20001,), health_path="/mcp/time/health")
WEB = Route("web", "/mcp/web", (20002,), health_path="/mcp/web/health")


def test_new_routes_are_made_as_they_are_wished(account):
    result = account.run(TIME, WEB)

    assert result.errors == {}
    rules = {rule["Priority"]: rule for rule in account.rules()}
    assert set(rules) == {"1000", "1001"}
    values = {tuple(rule["Conditions"][0]["PathPatternConfig"]["Values"]) for rule in rules.values()}
    assert values == {("/mcp/time", "/mcp/time/*"), ("/mcp/web", "/mcp/web/*")}
    group = account.elbv2.describe_target_groups(Names=[DesiredRoutes(account.owner, (TIME,)).group_names["time"]])
    assert group["TargetGroups"][0]["HealthCheckPath"] == "/mcp/time/health"
    assert group["TargetGroups"][0]["HealthCheckIntervalSeconds"] == 10
    health = account.elbv2.describe_target_health(TargetGroupArn=group["TargetGroups"][0]["TargetGroupArn"])
    targets = [found["Target"] for found in health["TargetHealthDescriptions"]]
    assert [(target["Id"], target["Port"]) for target in targets] == [(account.owner.target_id, 20001)]


@pytest.mark.parametrize("is_full", [False, True], ids=["fast", "full"])
def test_a_second_run_changes_nothing(account, is_full):
    account.run(TIME, WEB)

    result = account.run(TIME, WEB, is_full=is_full)

    assert result.actions == []


def test_a_server_without_an_endpoint_keeps_its_rule_and_loses_its_target(account):
    account.run(TIME, WEB)
    before = account.rules()

    failed = Route("time", "/mcp/time", (), health_path="/mcp/time/health")
    result = account.run(failed, WEB)

    group = result.group_arn(DesiredRoutes(account.owner, (failed,)).group_names["time"])
    assert account.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"] == []
    assert account.rules() == before
    assert account.run(failed, WEB, is_full=True).actions == []


def test_a_removed_server_takes_only_its_own_things_along(account):
    foreign = account.add_foreign_rule(5, "/shop")
    account.run(TIME, WEB)
    kept = {rule["RuleArn"] for rule in account.rules() if rule["Priority"] == "1000"}

    account.run(TIME)

    assert {rule["RuleArn"] for rule in account.rules()} == {foreign, *kept}
    names = [group["TargetGroupName"] for group in account.elbv2.describe_target_groups()["TargetGroups"]]
    assert names == [DesiredRoutes(account.owner, (TIME,)).group_names["time"]]


def test_a_foreign_rule_keeps_its_priority_and_is_named_where_it_takes_our_requests(account):
    foreign = account.add_foreign_rule(500, "/mcp/*")
    account.add_foreign_rule(1000, "/elsewhere")

    result = account.run(TIME)

    assert [rule["Priority"] for rule in account.rules() if rule["RuleArn"] == foreign] == ["500"]
    assert result.plan.priorities == {"time": 1001}
    assert len(result.plan.notes) == 1
    assert "priority 500" in result.plan.notes[0]
    assert "priority 1001" in result.plan.notes[0]


def test_check_mode_says_everything_and_changes_nothing(account):
    result = account.run(TIME, is_check=True)

    assert [action.name for action in result.actions if action.is_change] == [
        "create_target_group",
        "change_attributes",
        "register_targets",
        "create_rule",
    ]
    assert account.rules() == []
    assert account.elbv2.describe_target_groups()["TargetGroups"] == []


def test_drift_that_only_tags_and_attributes_show_is_found_by_a_full_look(account):
    account.run(TIME)
    group = account.elbv2.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    account.elbv2.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "300"}]
    )

    fast = account.run(TIME)
    full = account.run(TIME, is_full=True)

    assert fast.actions == []
    assert [action.name for action in full.actions if action.is_change] == ["change_attributes"]
    assert account.run(TIME, is_full=True).actions == []


def test_a_listener_that_is_gone_is_a_clear_error(account):
    account.elbv2.delete_listener(ListenerArn=account.owner.listener_arn)

    with pytest.raises(ApiError, match="the listener does not exist"):
        account.run(TIME)


def test_no_action_carries_more_than_json(account):
    result = account.run(TIME, WEB, is_check=True)

    assert json.loads(json.dumps([action.to_dict() for action in result.actions]))
