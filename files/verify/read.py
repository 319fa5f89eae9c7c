"""From verification files to suites, with everything that is wrong with them at once."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jmespath
import yaml
from jmespath.exceptions import JMESPathError
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError

from verify.suite import ACTIONS, WAIT, Bench, Case, Elicitation, Expectation, Sampling, Script, Step, Suite

SCHEMA = Path(__file__).resolve().parents[1] / "verify.schema.json"
VARIABLE = re.compile(r"\$\{(env:)?([A-Za-z_][A-Za-z0-9_]*)\}")
_WITH_ARGUMENTS = ("call_tool", "get_prompt")
_MOST_SHOWN = 60


class FilesWrong(Exception):
    """Verification files that cannot be used; ``errors`` are all of them, a line each."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = list(errors)


def read_files(paths: Iterable[Path]) -> list[Suite]:
    """Returns the suites of files. Raises FilesWrong with what is wrong in any of them."""
    suites: list[Suite] = []
    errors: list[str] = []
    for path in paths:
        try:
            suites.append(read_file(path))
        except FilesWrong as wrong:
            errors.extend(wrong.errors)
    if errors:
        raise FilesWrong(errors)
    return suites


def read_file(path: Path) -> Suite:
    """Returns the suite of one file. Raises FilesWrong."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FilesWrong([f"{path}: cannot be read: {error}"]) from error
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f"line {where.line + 1}: " if where is not None else ""
        said = getattr(error, "problem", None) or "it is not YAML"
        raise FilesWrong([f"{path}: {line}{said}; correct the YAML"]) from error
    found = [(_key(given, each.absolute_path), _said(each)) for each in _validator().iter_errors(given)]
    if not found:
        found = list(_beyond_schema(given))
    if found:
        server = _servers(given)
        raise FilesWrong([f"{path}: {server}{key}: {said}" if key else f"{path}: {said}" for key, said in found])
    return _suite(path, given)


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


# What is wrong, in words


def _servers(given: Any) -> str:
    """The servers that the file is about, as far as it says so: ``time: ``."""
    names = given.get("servers") if isinstance(given, Mapping) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return ""
    return f"{', '.join(names)}: "


def _key(given: Any, path: Iterable[str | int]) -> str:
    """Where in the file it is, with the names of the cases: ``cases[0] (tells the time).steps[1].wait``."""
    text, here = "", given
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        here = here[part]
        if text == f"cases[{part}]" and isinstance(here, Mapping) and isinstance(here.get("name"), str):
            text += f" ({here['name']})"
    return text


def _said(error: ValidationError) -> str:
    """The value, and the way out, which is the description of what should stand there."""
    out = error.schema.get("description", "") if isinstance(error.schema, Mapping) else ""
    if error.validator == "additionalProperties" and error.schema.get("additionalProperties") is False:
        known = list(error.schema["properties"])
        unknown = [name for name in error.instance if name not in known]
        return "; ".join(_unknown(name, known) for name in unknown)
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"'{missing}' is missing; {_about(error.schema, missing) or out}"
    if error.validator in ("minItems", "minProperties"):
        return f"it is empty; {out or 'put at least one into it'}"
    return f"{shown(error.instance)} cannot stand here; {out or error.message}"


def _about(schema: Mapping[str, Any], name: str) -> str:
    about = schema.get("properties", {}).get(name)
    return str(about.get("description", "")) if isinstance(about, Mapping) else ""


def _unknown(name: object, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name), known, 1)
    return f"there is no key {name!r}; " + (f"write {close[0]!r}" if close else f"take one of {', '.join(known)}")


def shown(value: Any) -> str:
    """A value as an error shows it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"


def _beyond_schema(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a JSON Schema does not say: expressions, exactly one action a step, and variables that nothing sets."""
    names = [case["name"] for case in given["cases"]]
    for position, name in enumerate(names):
        if name in names[:position]:
            yield f"cases[{position}].name", f"{shown(name)} is the name of an earlier case; give another one"
    yield from _script_wrong("", given)
    for position, case in enumerate(given["cases"]):
        here = f"cases[{position}] ({case['name']})"
        yield from _script_wrong(f"{here}.", case)
        known = {*given.get("variables", {}), *case.get("variables", {})}
        for place, steps in (
            ("setup", given.get("setup", [])),
            (f"{here}.setup", case.get("setup", [])),
            (f"{here}.steps", case["steps"]),
            (f"{here}.teardown", case.get("teardown", [])),
            ("teardown", given.get("teardown", [])),
        ):
            for number, step in enumerate(steps):
                if place.startswith("cases") or position == 0:
                    yield from _step_wrong(f"{place}[{number}]", step, known)
                known |= set(step.get("save", {}))


def _script_wrong(place: str, holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in ("sampling", "elicitation"):
        for number, each in enumerate(holder.get(kind, [])):
            yield from _expression_wrong(f"{place}{kind}[{number}].when", each.get("when", ""), "regular expression")
            if "content" in each and each.get("action", "accept") != "accept":
                yield f"{place}{kind}[{number}].content", f"{each['action']} fills in nothing; remove it"


def _step_wrong(place: str, step: Mapping[str, Any], known: set[str]) -> Iterator[tuple[str, str]]:
    actions = [name for name in (*ACTIONS, WAIT) if name in step]
    if len(actions) != 1:
        has = " and ".join(actions) or "none"
        yield place, f"it has {has} of the things to do; give exactly one of {', '.join((*ACTIONS, WAIT))}"
    elif "arguments" in step and actions[0] not in _WITH_ARGUMENTS:
        yield f"{place}.arguments", f"{actions[0]} takes none; remove it"
    for name, path in step.get("save", {}).items():
        yield from _expression_wrong(f"{place}.save.{name}", path, "JMESPath")
    for number, each in enumerate(step.get("expect", [])):
        here = f"{place}.expect[{number}]"
        yield from _expression_wrong(f"{here}.path", each.get("path", "@"), "JMESPath")
        yield from _expression_wrong(f"{here}.matches", each.get("matches", ""), "regular expression")
        yield from _expression_wrong(f"{here}.schema", each.get("schema", {}), "JSON Schema")
        if set(each) == {"path"}:
            yield here, "it says where to look and not for what; give equals, contains, matches, schema or exists"
    for kind, name in VARIABLE.findall(json.dumps(step, default=str)):
        if not kind and name not in known:
            yield place, f"nothing sets ${{{name}}} before it; give it in variables, or save it in an earlier step"


def _expression_wrong(place: str, text: Any, kind: str) -> Iterator[tuple[str, str]]:
    try:
        if kind == "JMESPath":
            jmespath.compile(text)
        elif kind == "JSON Schema":
            Draft202012Validator.check_schema(text)
        elif not VARIABLE.search(text):
            re.compile(text)
    except (JMESPathError, SchemaError, re.error) as error:
        said = " ".join(str(error).splitlines()[0].split()).rstrip(":.")
        yield place, f"{shown(text)} is no {kind} ({said}); correct it"


# What is right


def _suite(path: Path, given: Mapping[str, Any]) -> Suite:
    return Suite(
        path=path,
        servers=tuple(given["servers"]),
        cases=tuple(_case(each, given) for each in given["cases"]),
        protocols=tuple(given.get("protocols", ["auto"])),
        headers=given.get("headers", {}),
    )


def _case(case: Mapping[str, Any], given: Mapping[str, Any]) -> Case:
    sampling = [*case.get("sampling", []), *given.get("sampling", [])]
    elicitation = [*case.get("elicitation", []), *given.get("elicitation", [])]
    return Case(
        name=case["name"],
        steps=_steps(case["steps"]),
        setup=_steps([*given.get("setup", []), *case.get("setup", [])]),
        teardown=_steps([*case.get("teardown", []), *given.get("teardown", [])]),
        script=Script(
            tuple(Sampling(each.get("when", ""), each["answer"]) for each in sampling),
            tuple(Elicitation(**{"when": "", **each}) for each in elicitation),
        ),
        variables={**given.get("variables", {}), **case.get("variables", {})},
        bench=Bench(**case["bench"]) if "bench" in case else None,
    )


def _steps(given: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    return tuple(_step(each) for each in given)


def _step(given: Mapping[str, Any]) -> Step:
    action = next(name for name in (*ACTIONS, WAIT) if name in given)
    return Step(
        action=action,
        subject=given[action],
        expect=tuple(_expectation(each) for each in given.get("expect", [])),
        **{name: given[name] for name in ("arguments", "timeout", "cancel_after", "save", "show") if name in given},
    )


def _expectation(given: Mapping[str, Any]) -> Expectation:
    checks = {name: value for name, value in given.items() if name not in ("path", "within", "error")}
    kinds = given.get("error", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return Expectation(given.get("path"), checks, given.get("within"), tuple(str(kind) for kind in kinds))
