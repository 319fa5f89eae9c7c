"""The published IAM policy: neither less than the module needs nor more, and nothing on what is not the fleet's."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, Result, reconcile
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb import scenes
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import LISTENER, FakeElbv2
from botocore import xform_name
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.routes.iam import (
    ACTIONS,
    CREATE_ACTION,
    PREFIX,
    Access,
    accesses,
    allows,
    conditions,
    listed,
    resource_type,
)

PROJECT = Path(__file__).parents[3]
PLUGINS = PROJECT / "collections/ansible_collections/mcp/orchestrator/plugins"
EXAMPLE = (PROJECT / "docs/iam-policy.json").read_text()
# The published policy with the names of the tests' load balancer in the place of the example's.
POLICY = json.loads(
    EXAMPLE.replace("eu-central-1", "eu-west-1").replace("123456789012", "111122223333").replace("my-alb", "shared")
)
RULE = f"{LISTENER.replace(':listener/', ':listener-rule/')}/0123456789abcdef"
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/mcp-time-05d87cd5/0123456789abcdef"
OURS = {"aws:ResourceTag/mcp_fleet": ["mcp"]}


def operations() -> dict[str, str]:
    """Every operation of Elastic Load Balancing as boto3 and as IAM write it."""
    model = botocore.session.get_session().get_service_model("elbv2")
    return {xform_name(name): name for name in model.operation_names}


def called() -> set[str]:
    """The operations that the module's sources name."""
    known = operations()
    sources = [
        *sorted((PLUGINS / "module_utils/alb").rglob("*.py")),
        *sorted((PLUGINS / "modules").glob("mcp_alb_*.py")),
    ]
    strings = {
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {known[text] for text in strings if text in known}


def test_the_policy_allows_what_the_module_calls_and_nothing_else() -> None:
    allowed = {action.removeprefix(PREFIX) for each in POLICY["Statement"] for action in listed(each["Action"])}
    assert allowed == called()


def test_the_module_documents_every_action() -> None:
    documentation = (PLUGINS / "modules/mcp_alb_route.py").read_text()
    changing = {name for name in called() if not name.startswith("Describe")}
    assert {name for name in changing if name not in documentation} == set()


def test_the_readme_links_the_policies_and_names_what_the_example_stands_for() -> None:
    readme = (PROJECT / "README.md").read_text()
    (arn,) = set(re.findall(r"listener_arn = (arn:\S+)", readme))
    assert f'"{arn}"' in EXAMPLE
    for name in ("docs/iam-policy.json", "docs/iam-policy-secrets.json"):
        assert f"]({name})" in readme
        json.loads((PROJECT / name).read_text())


@pytest.mark.parametrize("statement", POLICY["Statement"], ids=lambda statement: statement["Sid"])
def test_every_statement_asks_only_what_aws_knows_of_its_actions(statement: dict[str, Any]) -> None:
    """A type or a key that an action does not know never fits, and the statement would allow nothing."""
    actions = [action.removeprefix(PREFIX) for action in listed(statement["Action"])]
    if statement["Resource"] == "*":
        assert all(action.startswith("Describe") for action in actions)
        return
    for action in actions:
        types, keys = ACTIONS[action]
        assert {resource_type(arn) for arn in listed(statement["Resource"])} <= set(types)
        asked = {key if key in keys else f"{key.split('/')[0]}/" for _, key, _ in conditions(statement)}
        assert asked <= set(keys)


class Judged:
    """The service as a role with the published policy has it; ``denied`` is what it was not allowed."""

    def __init__(self, elbv2: FakeElbv2) -> None:
        self.elbv2 = elbv2
        self.denied: list[Access] = []
        self.strangers: list[str] = []

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if not operation.startswith("describe_"):
            name = operations_by_method[operation]
            needed = accesses(name, arguments, lambda arn: self.elbv2.tags.get(arn, {}))
            assert needed, operation
            self.denied += [access for access in needed if not allows(POLICY, access)]
            # What AWS cannot tell by tags, the module has to see to itself.
            moved = [access.resource for access in needed if name == "SetRulePriorities"]
            self.strangers += [arn for arn in moved if not scenes.OWNER.owns(self.elbv2.tags.get(arn))]
        return self.elbv2.call(operation, arguments)

    def pages(self, operation: str, key: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self.elbv2.pages(operation, key, arguments)


operations_by_method = operations()


def run(elbv2: FakeElbv2, desired: DesiredRoutes, **options: Any) -> Result:
    """A run whose every call has to be allowed."""
    judged = Judged(elbv2)
    result = reconcile(judged, desired, Options(**options), elbv2.clock)
    assert judged.denied == []
    assert judged.strangers == []
    return result


@settings(deadline=None)  # a machine under load takes its time
@given(
    before=scenes.route_lists(),
    after=scenes.route_lists(),
    strangers=st.lists(scenes.foreign_rules(), max_size=3),
    drifts=st.lists(scenes.drifts(), max_size=3),
    is_full=st.booleans(),
)
def test_all_that_a_run_does_is_allowed_whatever_it_finds(before, after, strangers, drifts, is_full) -> None:
    elbv2 = FakeElbv2()
    ports = scenes.Ports(elbv2)
    for stranger in strangers:
        stranger(elbv2, ports)
    run(elbv2, scenes.desired_for(before, ports))
    scenes.pass_time(elbv2, 60)
    for drift in drifts:
        drift(elbv2, ports)
    run(elbv2, scenes.desired_for(after, ports), is_full=is_full)
    scenes.pass_time(elbv2, 60)
    run(elbv2, scenes.desired_for([], ports), is_full=True)


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("forgotten", ["mcp_fleet", "mcp_listener", "mcp_service", "mcp_path", "all of them"])
@pytest.mark.parametrize("kind", ["rules", "groups"])
def test_what_has_lost_its_tags_is_not_touched_against_the_policy(kind: str, forgotten: str, is_full: bool) -> None:
    elbv2 = FakeElbv2()
    ports = scenes.Ports(elbv2)
    routes = [scenes.RouteDraw("alpha", "/mcp/alpha", 0, 1, False, None)]
    run(elbv2, scenes.desired_for(routes, ports))
    scenes.pass_time(elbv2, 60)
    for arn in getattr(elbv2, kind):
        tags = elbv2.tags[arn]
        elbv2.tags[arn] = {} if forgotten == "all of them" else {k: v for k, v in tags.items() if k != forgotten}
    routes = [scenes.RouteDraw("alpha", "/mcp/alpha", 1, 2, True, 3)]
    run(elbv2, scenes.desired_for(routes, ports), is_full=is_full)
    scenes.pass_time(elbv2, 60)
    run(elbv2, scenes.desired_for([], ports), is_full=is_full)


def foreign(arn: str) -> str:
    return arn.replace("/shared/", "/other/").replace("targetgroup/mcp-", "targetgroup/shop-")


NEW = {"aws:RequestTag/mcp_fleet": ["mcp"], "aws:TagKeys": ["mcp_fleet"]}
ALLOWED = [
    Access("CreateRule", LISTENER, NEW),
    Access("CreateTargetGroup", GROUP, NEW),
    Access("SetRulePriorities", RULE, OURS),
    *(Access(action, RULE, OURS) for action in ("ModifyRule", "DeleteRule", "AddTags")),
    *(Access(name, GROUP, OURS) for name, known in ACTIONS.items() if known == ACTIONS["RegisterTargets"]),
    *(Access("AddTags", arn, {**NEW, CREATE_ACTION: ["CreateRule"]}) for arn in (RULE, GROUP)),
    Access("RemoveTags", GROUP, {**OURS, "aws:TagKeys": ["mcp_last_applied_i-1"]}),
]


@pytest.mark.parametrize("access", ALLOWED, ids=lambda access: f"{access.action}-{resource_type(access.resource)}")
def test_the_same_on_what_is_not_the_fleets_is_denied(access: Access) -> None:
    assert allows(POLICY, access)
    assert not allows(POLICY, Access(access.action, foreign(access.resource), access.values))
    other_account = access.resource.replace("111122223333", "444455556666")
    assert not allows(POLICY, Access(access.action, other_account, access.values))
    if access.action == "SetRulePriorities":
        return  # AWS knows no tags there
    for key in ("aws:ResourceTag/mcp_fleet", "aws:RequestTag/mcp_fleet"):
        if key in access.values:
            assert not allows(POLICY, Access(access.action, access.resource, {**access.values, key: ["other"]}))
            without = {name: values for name, values in access.values.items() if name != key}
            assert not allows(POLICY, Access(access.action, access.resource, without))


@pytest.mark.parametrize("arn", [RULE, GROUP])
def test_nobody_elses_resource_can_be_given_the_fleets_mark_nor_the_fleets_be_taken_from_it(arn: str) -> None:
    assert not allows(POLICY, Access("AddTags", arn, NEW))
    assert not allows(POLICY, Access("AddTags", arn, {**NEW, "aws:ResourceTag/mcp_fleet": ["other"]}))
    assert not allows(POLICY, Access("AddTags", arn, {**OURS, "aws:RequestTag/mcp_fleet": ["other"]}))
    for keys in (["mcp_fleet"], ["mcp_last_applied_i-1", "mcp_fleet"], ["mcp_listener"], ["team"]):
        assert not allows(POLICY, Access("RemoveTags", arn, {**OURS, "aws:TagKeys": keys}))


def test_no_other_action_is_allowed_on_anything() -> None:
    balancer = LISTENER.rsplit("/", 1)[0].replace(":listener/", ":loadbalancer/")
    for action in set(operations_by_method.values()) - called():
        for arn in (LISTENER, RULE, GROUP, balancer):
            assert not allows(POLICY, Access(action, arn, {**OURS, **NEW}))
