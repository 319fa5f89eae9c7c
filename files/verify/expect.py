"""Whether an outcome is what was expected. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jmespath
from jsonschema import Draft202012Validator

from verify.outcome import Outcome
from verify.suite import Expectation

MOST_SHOWN = 200
_ANSWER = "the answer"


Tell = Callable[[Any], str]
"""How a value of an answer is told."""


def differences(outcome: Outcome, expected: Iterable[Expectation], *, show: bool = False) -> list[str]:
    """Says in a sentence each what is not as expected; an error that nobody expects is one of them.

    Sentences go into results, pages and notifications, and an answer may hold what those must not: with ``show`` its
    values are told, without it only of which kind and size they are.
    """
    tell = shown if show else kind_of
    expected = list(expected)
    kinds = [kind for each in expected for kind in each.error]
    wrong = list(_error(outcome, kinds, tell))
    if wrong:
        return wrong
    for each in expected:
        if each.within is not None and outcome.seconds > each.within:
            wrong.append(f"it took {outcome.seconds:.3f} s, expected within {each.within:g} s")
        if each.checks:
            wrong.extend(_checked(outcome, each, tell))
    return wrong


def _error(outcome: Outcome, kinds: list[str], tell: Tell) -> Iterator[str]:
    error = outcome.error
    if error is None:
        if kinds:
            yield f"it succeeded, expected an error ({' or '.join(kinds)}); {_ANSWER} is {tell(outcome.document)}"
    elif not kinds:
        yield f"error {error.kind}: {cut(error.message)}"
    elif not set(kinds) & set(error.kinds):
        yield f"error {error.kind}, expected {' or '.join(kinds)}: {cut(error.message)}"


def _checked(outcome: Outcome, expectation: Expectation, tell: Tell) -> Iterator[str]:
    document = outcome.document
    path = expectation.path
    # A regular expression without a path is for what people read.
    value = jmespath.search(path, document) if path else document
    name = path or _ANSWER
    for check, wanted in expectation.checks.items():
        text = document.get("text", "") if check == "matches" and not path else value
        said = _CHECKS[check](text, wanted, tell)
        if said:
            yield f"{name if path or check != 'matches' else 'its text'} {said}"


def _equals(value: Any, wanted: Any, tell: Tell) -> str:
    # JSON knows true and 1 apart, Python does not.
    same = value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
    return "" if same else f"is {tell(value)}, expected {shown(wanted)}"


def _contains(value: Any, wanted: Any, tell: Tell) -> str:
    if isinstance(value, str) and isinstance(wanted, str):
        found = wanted in value
    elif isinstance(value, Mapping) and isinstance(wanted, Mapping):
        found = all(key in value and value[key] == each for key, each in wanted.items())
    else:
        found = isinstance(value, list) and wanted in value
    return "" if found else f"is {tell(value)}, which does not contain {shown(wanted)}"


def _matches(value: Any, wanted: str, tell: Tell) -> str:
    if not isinstance(value, str):
        return f"is {tell(value)}, which is no text to match {wanted!r}"
    return "" if re.search(wanted, value) else f"is {tell(value)}, which does not match {wanted!r}"


def _schema(value: Any, wanted: Any, tell: Tell) -> str:
    error = next(Draft202012Validator(wanted).iter_errors(value), None)
    if error is None:
        return ""
    where = f" at {error.json_path.removeprefix('$.')}" if error.json_path != "$" else ""
    told = cut(error.message) if tell is shown else f"{tell(error.instance)} against its {error.validator}"
    return f"does not keep to its schema{where}: {told}"


def _exists(value: Any, wanted: bool, tell: Tell) -> str:
    if (value is not None) == wanted:
        return ""
    return "is not there" if wanted else f"is {tell(value)}, expected nothing"


_CHECKS = {"equals": _equals, "contains": _contains, "matches": _matches, "schema": _schema, "exists": _exists}


def kind_of(value: Any) -> str:
    """What kind of value it is, and how large: nothing that an answer says is in it but the keys of an object."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, str):
        return f"a text of {len(value)} character{'' if len(value) == 1 else 's'}"
    if isinstance(value, Mapping):
        return cut(f"an object with {', '.join(sorted(map(str, value))) or 'no key'}")
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "a number"


def shown(value: Any) -> str:
    """A value as people read it, cut where it is long."""
    if isinstance(value, Mapping) and "text" in value and len(value) > 1:
        value = {key: each for key, each in value.items() if key not in ("text", "json")}
    return cut(json.dumps(value, ensure_ascii=False, default=str))


def cut(text: str) -> str:
    """The text in one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN - 1]}…"
