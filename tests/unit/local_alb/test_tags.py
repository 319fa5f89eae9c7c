"""Tags and pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_alb.errors import ApiError
from local_alb.operations.paging import page_of

from tests.unit.local_alb.inprocess import BALANCER, LISTENER, Alb, code_of


def tags_of(alb: Alb, arn: str) -> dict[str, str]:
    described = alb.client.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]
    assert described["ResourceArn"] == arn
    return {tag["Key"]: tag["Value"] for tag in described["Tags"]}


def test_every_kind_of_resource_bears_tags(alb: Alb) -> None:
    group = alb.group(Tags=[{"Key": "a", "Value": "1"}])
    rule = alb.rule(1, group, Tags=[{"Key": "a", "Value": "1"}])
    for arn in (group, rule, LISTENER, BALANCER):
        alb.client.add_tags(ResourceArns=[arn], Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
        assert tags_of(alb, arn) == {"a": "2", "b": "3"}
        alb.client.remove_tags(ResourceArns=[arn], TagKeys=["a", "not-there"])
        assert tags_of(alb, arn) == {"b": "3"}


def test_tags_that_aws_would_not_take_are_refused(alb: Alb) -> None:
    group = alb.group()
    add = alb.client.add_tags
    many = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
    assert code_of(add, ResourceArns=[group], Tags=many) == "TooManyTags"
    alb.client.add_tags(ResourceArns=[group], Tags=many[:50])
    assert code_of(add, ResourceArns=[group], Tags=many[50:]) == "TooManyTags"
    alb.client.add_tags(ResourceArns=[group], Tags=many[:1])  # a new value is not one more
    twice = [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]
    assert code_of(add, ResourceArns=[group], Tags=twice) == "DuplicateTagKeys"
    assert code_of(add, ResourceArns=[group], Tags=[{"Key": "aws:x", "Value": "1"}]) == "ValidationError"
    gone = group[:-1] + ("0" if group[-1] != "0" else "1")
    assert code_of(add, ResourceArns=[gone], Tags=many[:1]) == "TargetGroupNotFound"
    assert code_of(add, ResourceArns=["arn:aws:s3:::bucket"], Tags=many[:1]) == "ValidationError"


def test_tags_of_twenty_resources_are_described_at_once_and_no_more(alb: Alb) -> None:
    groups = [alb.group(f"g{number}") for number in range(21)]
    assert len(alb.client.describe_tags(ResourceArns=groups[:20])["TagDescriptions"]) == 20
    assert code_of(alb.client.describe_tags, ResourceArns=groups) == "ValidationError"


@pytest.mark.parametrize(
    ("paginator", "request_", "result"),
    [
        ("describe_target_groups", {}, "TargetGroups"),
        ("describe_rules", {"ListenerArn": LISTENER}, "Rules"),
        ("describe_listeners", {"LoadBalancerArn": BALANCER}, "Listeners"),
        ("describe_load_balancers", {}, "LoadBalancers"),
        ("describe_account_limits", {}, "Limits"),
    ],
)
def test_pages_hold_everything_once(tmp_path: Path, paginator: str, request_: dict[str, str], result: str) -> None:
    alb = Alb(tmp_path, page_size=3)
    group = alb.group("g0")
    for number in range(1, 8):
        alb.group(f"g{number}")
        alb.rule(number, group)
    whole = [item for page in alb.client.get_paginator(paginator).paginate(**request_) for item in page[result]]
    by_two = alb.client.get_paginator(paginator).paginate(**request_, PaginationConfig={"PageSize": 2})
    assert [item for page in by_two for item in page[result]] == whole
    pages = [len(page[result]) for page in alb.client.get_paginator(paginator).paginate(**request_)]
    assert max(pages) <= 3
    assert sum(pages) == len(whole)


def test_a_marker_that_never_was_one_is_refused(alb: Alb) -> None:
    for marker in ("nonsense", "!!!", "bm9uc2Vuc2U="):
        assert code_of(alb.client.describe_target_groups, Marker=marker) == "ValidationError"
    assert code_of(alb.unchecked.describe_target_groups, PageSize=401) == "ValidationError"


@settings(deadline=None)
@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.sets(st.integers(31, 40)), st.integers(1, 5))
def test_reading_on_while_others_come_and_go_neither_repeats_nor_skips(
    items: set[int], removed: set[int], added: set[int], size: int
) -> None:
    first, marker = page_of(sorted(items), str, {"PageSize": size}, 400)
    # What stays stays in order; whatever was on the first page does not go.
    now = sorted((items - (removed - set(first))) | added)
    seen = list(first)
    while marker:
        part, marker = page_of(now, str, {"PageSize": size, "Marker": marker["NextMarker"]}, 400)
        seen += part
    assert len(seen) == len(set(seen))
    if len(items) > size:
        assert set(seen) == set(now) | set(first)


def test_a_page_is_never_larger_than_the_server_allows() -> None:
    part, marker = page_of(range(10), str, {"PageSize": 400}, 4)
    assert list(part) == [0, 1, 2, 3]
    with pytest.raises(ApiError):
        page_of(range(10), str, {"Marker": marker["NextMarker"] + "%%"}, 4)
