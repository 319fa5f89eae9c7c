"""What an identity policy lets a call to Elastic Load Balancing do.

Source: "Policy evaluation logic" and "IAM JSON policy elements: Condition operators" in the IAM user guide, as far as
the policy of this project uses them; resource types and condition keys from "Actions, resources, and condition keys for
AWS Elastic Load Balancing V2" in the service authorization reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

PREFIX = "elasticloadbalancing:"
RESOURCE_TAG, REQUEST_TAG, TAG_KEYS = "aws:ResourceTag/", "aws:RequestTag/", "aws:TagKeys"
CREATE_ACTION = f"{PREFIX}CreateAction"
RULE, GROUP, LISTENER = "listener-rule/app/", "targetgroup/", "listener/app/"
# The resource types that an action can be limited to, and the condition keys that it knows.
ACTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "AddTags": ((RULE, GROUP), (RESOURCE_TAG, REQUEST_TAG, TAG_KEYS, CREATE_ACTION)),
    "RemoveTags": ((RULE, GROUP), (RESOURCE_TAG, REQUEST_TAG, TAG_KEYS)),
    "CreateRule": ((LISTENER,), (RESOURCE_TAG, REQUEST_TAG, TAG_KEYS)),
    "CreateTargetGroup": ((GROUP,), (RESOURCE_TAG, REQUEST_TAG, TAG_KEYS)),
    "SetRulePriorities": ((RULE,), ()),
    **dict.fromkeys(("DeleteRule", "ModifyRule"), ((RULE,), (RESOURCE_TAG,))),
    **dict.fromkeys(
        ("DeleteTargetGroup", "DeregisterTargets", "ModifyTargetGroup", "ModifyTargetGroupAttributes"),
        ((GROUP,), (RESOURCE_TAG,)),
    ),
    "RegisterTargets": ((GROUP,), (RESOURCE_TAG,)),
}

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Access:
    """One action on one resource, with the values of condition keys that AWS would see."""

    action: str
    resource: str
    values: Mapping[str, list[str]] = field(default_factory=dict)


def accesses(operation: str, arguments: Mapping[str, Any], tags_of: Callable[[str], Mapping[str, str]]) -> list[Access]:
    """What a call (the operation as IAM writes it) needs; ``tags_of`` gives the tags that a resource has before it."""
    given = {tag["Key"]: tag["Value"] for tag in arguments.get("Tags", [])}
    keys = [*given, *arguments.get("TagKeys", [])]
    request = {**{f"{REQUEST_TAG}{key}": [value] for key, value in given.items()}, **({TAG_KEYS: keys} if keys else {})}
    if operation == "CreateRule":
        listener = arguments["ListenerArn"]
        made = f"{listener.replace(':listener/', ':listener-rule/')}/0123456789abcdef"
        return [Access(operation, listener, request), *_tagging(operation, made, request)]
    if operation == "CreateTargetGroup":
        made = f"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{arguments['Name']}/0123456789abcdef"
        return [Access(operation, made, request), *_tagging(operation, made, request)]
    return [
        Access(operation, arn, {**request, **{f"{RESOURCE_TAG}{key}": [text] for key, text in tags_of(arn).items()}})
        for arn in _resources(arguments)
    ]


def _tagging(operation: str, made: str, request: Mapping[str, list[str]]) -> list[Access]:
    """Whoever creates something with tags needs the right to tag it, too."""
    return [Access("AddTags", made, {**request, CREATE_ACTION: [operation]})] if request else []


def _resources(arguments: Mapping[str, Any]) -> list[str]:
    if "RulePriorities" in arguments:
        return [move["RuleArn"] for move in arguments["RulePriorities"]]
    found = arguments.get("ResourceArns") or [arguments.get("RuleArn") or arguments.get("TargetGroupArn")]
    return [arn for arn in found if arn]


def allows(policy: Mapping[str, Any], access: Access) -> bool:
    """Whether some statement allows it; there are no statements that deny."""
    return any(_covers(statement, access) for statement in policy["Statement"])


def _covers(statement: Statement, access: Access) -> bool:
    assert statement["Effect"] == "Allow"
    return (
        PREFIX + access.action in listed(statement["Action"])
        and any(fnmatchcase(access.resource, pattern) for pattern in listed(statement["Resource"]))
        and all(
            _fulfils(operator, access.values.get(key), listed(wanted))
            for operator, key, wanted in conditions(statement)
        )
    )


def conditions(statement: Statement) -> Iterator[tuple[str, str, Any]]:
    """Operator, key and what is wanted of each condition."""
    for operator, tests in statement.get("Condition", {}).items():
        for key, wanted in tests.items():
            yield operator, key, wanted


def _fulfils(operator: str, values: list[str] | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return (values is None) == (wanted == ["true"])
    if operator == "ForAllValues:StringLike":
        return all(any(fnmatchcase(value, pattern) for pattern in wanted) for value in values or [])
    assert operator == "StringEquals", operator
    return values is not None and len(values) == 1 and values[0] in wanted


def listed(value: str | list[str]) -> list[str]:
    """A policy's element that may be one or several."""
    return [value] if isinstance(value, str) else value


def resource_type(arn: str) -> str:
    """The type in an ARN or in a pattern of ARNs, as ``ACTIONS`` writes it."""
    found = re.match(r"arn:aws:elasticloadbalancing:[^:]*:[^:]*:(listener-rule/app/|listener/app/|targetgroup/)", arn)
    assert found, arn
    return found[1]
