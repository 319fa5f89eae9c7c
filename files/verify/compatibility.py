"""What another JSON Schema means for those who keep to the earlier one. Pure.

A difference makes the schema narrower (values that were allowed are not any more), wider (values are allowed that
were not), both, or neither. What clients send must stay allowed: there, narrower breaks. What they get must be what
they were told: there, wider breaks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Flag
from typing import Any

Schema = Mapping[str, Any]
DEEPEST = 24


class Effect(Flag):
    """What a difference does to the values that are allowed."""

    NONE = 0
    NARROWER = 1
    WIDER = 2
    BOTH = 3

    @property
    def reversed(self) -> Effect:
        """That of the same difference the other way round."""
        return {Effect.NARROWER: Effect.WIDER, Effect.WIDER: Effect.NARROWER}.get(self, self)


@dataclass(frozen=True)
class Difference:
    """One difference: where (``properties.zone``), in words, and what it does."""

    where: str
    text: str
    effect: Effect


# What says something to people, or chooses a form without changing what is allowed.
ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$schema", "$id"}
    | {"$defs", "definitions", "$ref"}
)
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_CHOICES = ("anyOf", "oneOf")
_OWN_RULE = frozenset({"type", "enum", "const", "required", "properties", "items", "additionalProperties", *_CHOICES})


def differences(before: Any, after: Any, *, observed: bool = False) -> list[Difference]:
    """Everything in which two schemas differ.

    With ``observed`` they are shapes of answers that were seen (verify.shape), in which nothing follows from what
    happened not to be there.
    """
    walk = _Walk(before, after, observed)
    return list(walk.compare(before, after, "", 0))


def effect_of(found: list[Difference]) -> Effect:
    """What several differences do together."""
    effect = Effect.NONE
    for each in found:
        effect |= each.effect
    return effect


class _Walk:
    def __init__(self, before: Any, after: Any, observed: bool) -> None:
        self._roots = (before, after)
        self._observed = observed

    def compare(self, before: Any, after: Any, where: str, depth: int) -> Iterator[Difference]:
        old, new = (_resolved(each, root) for each, root in zip((before, after), self._roots, strict=True))
        if _canonical(old) == _canonical(new) and "$ref" not in _canonical(old):
            return
        if depth > DEEPEST:  # of schemas that contain themselves; what is above has been compared
            return
        choices = _choices(old), _choices(new)
        if any(len(each) > 1 for each in choices):
            yield from self._choices(choices[0], choices[1], where, depth)
            return
        old, new = choices[0][0], choices[1][0]
        if False in (old, new):
            yield Difference(
                where, "nothing is allowed" if new is False else "something is allowed", _one(new is False)
            )
            return
        yield from _annotations(old, new, where)
        yield from _types(old, new, where)
        yield from _values(old, new, where)
        yield from self._object(old, new, where, depth)
        yield from self._items(old, new, where, depth)
        for keyword in sorted({*old, *new} - ANNOTATIONS - _OWN_RULE):
            if not keyword.startswith("x-"):
                yield from _keyword(keyword, old.get(keyword), new.get(keyword), where)

    def _choices(self, old: list[Any], new: list[Any], where: str, depth: int) -> Iterator[Difference]:
        """Each alternative has to have one on the other side that allows as much."""

        def lacks(one: Any, others: list[Any], effect: Effect, compare: Callable[[Any, Any], Effect]) -> bool:
            return all(effect in compare(one, each) for each in others)

        def forth(one: Any, other: Any) -> Effect:
            return effect_of(list(self.compare(one, other, where, depth + 1)))

        def back(one: Any, other: Any) -> Effect:
            return effect_of(list(self.compare(other, one, where, depth + 1)))

        gone = [each for each in old if lacks(each, new, Effect.NARROWER, forth)]
        added = [each for each in new if lacks(each, old, Effect.WIDER, back)]
        for each in gone:
            yield Difference(where, f"{_said(each)} is not allowed any more", Effect.NARROWER)
        for each in added:
            yield Difference(where, f"{_said(each)} is allowed too", Effect.WIDER)
        if not gone and not added:
            yield Difference(where, "its alternatives are written in another way", Effect.NONE)

    def _object(self, old: Schema, new: Schema, where: str, depth: int) -> Iterator[Difference]:
        was, now = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", [])), set(new.get("required", []))
        for name in sorted(needs - needed if not self._observed else ()):
            yield Difference(_in(where, name), "it is required now", Effect.NARROWER)
        for name in sorted(needed - needs):
            yield Difference(_in(where, name), "it is not always there any more", Effect.WIDER)
        for name in sorted(was.keys() - now.keys()):
            if not self._observed:
                yield Difference(_in(where, name), "it is gone", Effect.NARROWER)
        for name in sorted(now.keys() - was.keys()):
            yield Difference(_in(where, name), "it is new", Effect.NONE)
        for name in sorted(was.keys() & now.keys()):
            yield from self.compare(was[name], now[name], _in(where, name), depth + 1)
        rest = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if _canonical(rest[0]) != _canonical(rest[1]):
            if rest[0] is False:
                yield Difference(where, "other keys are allowed now", Effect.NONE)
            elif rest[1] is False:
                yield Difference(where, "other keys are not allowed any more", Effect.NARROWER)
            else:
                yield from self.compare(rest[0], rest[1], _in(where, "*"), depth + 1)

    def _items(self, old: Schema, new: Schema, where: str, depth: int) -> Iterator[Difference]:
        was, now = old.get("items", True), new.get("items", True)
        if not (self._observed and True in (was, now)):
            yield from self.compare(was, now, f"{where}[]", depth + 1)


def _resolved(schema: Any, root: Any, hops: int = 0) -> Any:
    """The schema behind a reference within the document, with what stands beside it."""
    if schema is True:
        return {}
    if not isinstance(schema, Mapping) or "$ref" not in schema or hops > DEEPEST:
        return schema if isinstance(schema, Mapping) or schema is False else {}
    target: Any = root
    for part in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
        if part:
            target = target.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, Mapping) else {}
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    found = _resolved(target, root, hops + 1)
    return {**found, **beside} if isinstance(found, Mapping) else found


def _choices(schema: Any) -> list[Any]:
    """The alternatives of which a value has to be one; the schema itself where it has none."""
    if not isinstance(schema, Mapping):
        return [schema]
    for keyword in _CHOICES:
        others = set(schema) - ANNOTATIONS - {keyword}
        if keyword in schema and not others and isinstance(schema[keyword], list) and schema[keyword]:
            return [part for each in schema[keyword] for part in _choices({} if each is True else each)]
    types = schema.get("type")
    if isinstance(types, list) and len(types) > 1:
        return [{**schema, "type": each} for each in types]
    return [schema]


def _types(old: Schema, new: Schema, where: str) -> Iterator[Difference]:
    was, now = _types_of(old), _types_of(new)
    effect = _sets(was, now)
    if was != now:
        yield Difference(where, f"type was {_listed(old.get('type'))}, is {_listed(new.get('type'))}", effect)


def _types_of(schema: Schema) -> frozenset[str]:
    """The types that are allowed; a number may be an integer too."""
    given = schema.get("type", list(_TYPES))
    types = set(given if isinstance(given, list) else [given])
    return frozenset(types | {"integer"} if "number" in types else types)


def _values(old: Schema, new: Schema, where: str) -> Iterator[Difference]:
    """enum, of which const is one with a single value."""
    was, now = (
        frozenset(map(_canonical, [each["const"]] if "const" in each else each["enum"]))
        if "const" in each or "enum" in each
        else None
        for each in (old, new)
    )
    if was == now:
        return
    if was is None or now is None:
        said = "only some values are allowed now" if was is None else "it is not limited to some values any more"
        yield Difference(where, said, _one(was is None))
        return
    gone, added = sorted(was - now), sorted(now - was)
    parts = [f"{', '.join(gone)} gone"] if gone else []
    parts += [f"{', '.join(added)} new"] if added else []
    yield Difference(where, f"values: {'; '.join(parts)}", _sets(was, now))


def _annotations(old: Schema, new: Schema, where: str) -> Iterator[Difference]:
    for keyword in ("description", "default", "title"):
        if old.get(keyword) != new.get(keyword):
            yield Difference(where, f"{keyword} is another one", Effect.NONE)


def _keyword(keyword: str, was: Any, now: Any, where: str) -> Iterator[Difference]:
    if _canonical(was) == _canonical(now):
        return
    if was is None or now is None:
        effect = _one(was is None)
    elif keyword in (*_LOWER, *_UPPER) and isinstance(was, int | float) and isinstance(now, int | float):
        effect = _one((now > was) == (keyword in _LOWER))
    elif keyword == "uniqueItems":
        effect = _one(bool(now))
    else:
        effect = Effect.BOTH
    yield Difference(where, f"{keyword} was {_listed(was)}, is {_listed(now)}", effect)


def _one(is_narrower: bool) -> Effect:
    return Effect.NARROWER if is_narrower else Effect.WIDER


def _sets(was: frozenset[str], now: frozenset[str]) -> Effect:
    effect = Effect.NONE
    if was - now:
        effect |= Effect.NARROWER
    if now - was:
        effect |= Effect.WIDER
    return effect


def _in(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _said(schema: Any) -> str:
    if isinstance(schema, Mapping) and "type" in schema:
        return _listed(schema["type"])
    return _listed(schema)


def _listed(value: Any) -> str:
    if value is None:
        return "anything"
    text = value if isinstance(value, str) else _canonical(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
