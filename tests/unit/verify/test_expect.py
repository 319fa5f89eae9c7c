"""What is as expected, and what is said where it is not."""

from __future__ import annotations

from typing import Any

import pytest
from verify.expect import differences
from verify.outcome import Error, Outcome
from verify.suite import Expectation

DOCUMENT = {"content": [{"type": "text", "text": "12 left"}], "text": "12 left", "count": 12, "open": True}
ANSWER = Outcome(DOCUMENT, 0.2)
REFUSAL = Outcome(
    {"message": "no such tool", "text": "no such tool"},
    0.1,
    Error(("protocol", "-32602", "invalid_params"), "no such tool"),
)


@pytest.mark.parametrize(
    ("path", "checks"),
    [
        ("count", {"equals": 12}),
        ("content[0].text", {"matches": r"^\d+ left$", "contains": "left"}),
        (None, {"matches": "12"}),
        (None, {"contains": {"count": 12}}),
        ("content[].type", {"contains": "text"}),
        ("content", {"schema": {"type": "array", "minItems": 1}}),
        ("nothing", {"exists": False}),
    ],
)
def test_what_is_as_expected_is_nothing_to_tell(path: str | None, checks: dict[str, Any]) -> None:
    assert differences(ANSWER, [Expectation(path, checks, within=1)]) == []


@pytest.mark.parametrize(
    ("path", "checks", "said"),
    [
        ("count", {"equals": 13}, "count is 12, expected 13"),
        ("open", {"equals": 1}, "open is true, expected 1"),
        (None, {"matches": "^left"}, "its text is \"12 left\", which does not match '^left'"),
        ("count", {"matches": "12"}, "count is 12, which is no text to match '12'"),
        ("content[].type", {"contains": "image"}, 'content[].type is ["text"], which does not contain "image"'),
        ("count", {"schema": {"type": "string"}}, "count does not keep to its schema: 12 is not of type 'string'"),
        ("count", {"exists": False}, "count is 12, expected nothing"),
        ("nothing", {"exists": True}, "nothing is not there"),
    ],
)
def test_what_is_not_as_expected_is_told_with_both(path: str | None, checks: dict[str, Any], said: str) -> None:
    assert differences(ANSWER, [Expectation(path, checks)], show=True) == [said]


@pytest.mark.parametrize(
    ("path", "checks", "said"),
    [
        ("count", {"equals": 13}, "count is a number, expected 13"),
        ("open", {"equals": 1}, "open is a truth value, expected 1"),
        (None, {"matches": "^left"}, "its text is a text of 7 characters, which does not match '^left'"),
        ("content", {"contains": "image"}, 'content is a list of 1, which does not contain "image"'),
        ("content[0]", {"equals": 1}, "content[0] is an object with text, type, expected 1"),
        (
            "text",
            {"schema": {"maxLength": 3}},
            "text does not keep to its schema: a text of 7 characters against its maxLength",
        ),
        ("nothing", {"equals": 1}, "nothing is nothing, expected 1"),
    ],
)
def test_what_an_answer_says_is_told_only_where_its_step_shows_it(
    path: str | None, checks: dict[str, Any], said: str
) -> None:
    assert differences(ANSWER, [Expectation(path, checks)]) == [said]


def test_all_that_is_wrong_with_an_answer_is_told() -> None:
    expected = [Expectation("count", {"equals": 1}), Expectation(within=0.1), Expectation("open", {"equals": True})]
    assert differences(ANSWER, expected, show=True) == [
        "count is 12, expected 1",
        "it took 0.200 s, expected within 0.1 s",
    ]


@pytest.mark.parametrize("kind", ["protocol", "invalid_params", "-32602"])
def test_an_error_has_a_wide_name_a_narrow_one_and_a_number(kind: str) -> None:
    assert differences(REFUSAL, [Expectation(error=(kind,))]) == []


@pytest.mark.parametrize(
    ("outcome", "kinds", "said"),
    [
        (REFUSAL, (), "error invalid_params: no such tool"),
        (REFUSAL, ("tool", "timeout"), "error invalid_params, expected tool or timeout: no such tool"),
        (ANSWER, ("tool",), "it succeeded, expected an error (tool); the answer is "),
    ],
)
def test_an_error_that_should_not_come_or_does_not_is_told(outcome: Outcome, kinds: tuple[str, ...], said: str) -> None:
    found = differences(outcome, [Expectation(error=kinds, checks={"matches": "no such"})])
    assert [line[: len(said)] for line in found] == [said]
