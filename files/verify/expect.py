"""Whether an outcome is what was expected. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jmespath
from jsonschema import Draft202012Validator

from verify.outcome import Outcome
from verify.suite import Expectation

MOST_SHOWN = 200
_ANSWER = "the answer"


def differences(outcome: Outcome, expected: Iterable[Expectation]) -> list[str]:
    """Says in a sentence each what is not as expected; an error that nobody expects is one of them."""
    expected = list(expected)
    kinds = [kind for each in expected for kind in each.error]
    wrong = list(_error(outcome, kinds))
    if wrong:
        return wrong
    for each in expected:
        if each.within is not None and outcome.seconds > each.within:
            wrong.append(f"it took {outcome.seconds:.3f} s, expected within {each.within:g} s")
        if each.checks:
            wrong.extend(_checked(outcome, each))
    return wrong


def _error(outcome: Outcome, kinds: list[str]) -> Iterator[str]:
    error = outcome.error
    if error is None:
        if kinds:
            yield f"it succeeded, expected an error ({' or '.join(kinds)}); {_ANSWER}: {shown(outcome.document)}"
    elif not kinds:
        yield f"error {error.kind}: {cut(error.message)}"
    elif not set(kinds) & set(error.kinds):
        yield f"error {error.kind}, expected {' or '.join(kinds)}: {cut(error.message)}"


def _checked(outcome: Outcome, expectation: Expectation) -> Iterator[str]:
    document = outcome.document
    path = expectation.path
    # A regular expression without a path is for what people read.
    value = jmespath.search(path, document) if path else document
    name = path or _ANSWER
    for check, wanted in expectation.checks.items():
        text = document.get("text", "") if check == "matches" and not path else value
        said = _CHECKS[check](text, wanted)
        if said:
            yield f"{name if path or check != 'matches' else 'its text'} {said}"


def _equals(value: Any, wanted: Any) -> str:
    # JSON knows true and 1 apart, Python does not.
    same = value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
    return "" if same else f"is {shown(value)}, expected {shown(wanted)}"


def _contains(value: Any, wanted: Any) -> str:
    if isinstance(value, str) and isinstance(wanted, str):
        found = wanted in value
    elif isinstance(value, Mapping) and isinstance(wanted, Mapping):
        found = all(key in value and value[key] == each for key, each in wanted.items())
    else:
        found = isinstance(value, list) and wanted in value
    return "" if found else f"is {shown(value)}, which does not contain {shown(wanted)}"


def _matches(value: Any, wanted: str) -> str:
    if not isinstance(value, str):
        return f"is {shown(value)}, which is no text to match {wanted!r}"
    return "" if re.search(wanted, value) else f"is {shown(value)}, which does not match {wanted!r}"


def _schema(value: Any, wanted: Any) -> str:
    error = next(Draft202012Validator(wanted).iter_errors(value), None)
    if error is None:
        return ""
    where = f" at {error.json_path.removeprefix('$.')}" if error.json_path != "$" else ""
    return f"does not keep to its schema{where}: {cut(error.message)}"


def _exists(value: Any, wanted: bool) -> str:
    if (value is not None) == wanted:
        return ""
    return "is not there" if wanted else f"is {shown(value)}, expected nothing"


_CHECKS = {"equals": _equals, "contains": _contains, "matches": _matches, "schema": _schema, "exists": _exists}


def shown(value: Any) -> str:
    """A value as people read it, cut where it is long."""
    if isinstance(value, Mapping) and "text" in value and len(value) > 1:
        value = {key: each for key, each in value.items() if key not in ("text", "json")}
    return cut(json.dumps(value, ensure_ascii=False, default=str))


def cut(text: str) -> str:
    """The text in one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN - 1]}…"
