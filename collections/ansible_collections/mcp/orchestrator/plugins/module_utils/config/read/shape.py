# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a value must look like: one description that both checks it and is published as JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import secrets_among

SchemaError = tuple[str, str]
"""The path below the value, and what is wrong with it."""


class Shape(Protocol):
    """A description of values."""

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields what is wrong with the value; nothing when it is right."""

    def schema(self) -> dict[str, Any]:
        """Returns the same description as JSON Schema (draft 2020-12)."""


@dataclass(frozen=True)
class Anything:
    """Whatever a client may want."""

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields nothing."""
        del value, path
        yield from ()

    def schema(self) -> dict[str, Any]:
        """Returns the schema that all values meet."""
        return {}


@dataclass(frozen=True)
class Nothing:
    """Null."""

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields at most one error."""
        if value is not None:
            yield path, "must be null"

    def schema(self) -> dict[str, Any]:
        """Returns the schema of null."""
        return {"type": "null"}


@dataclass(frozen=True)
class Text:
    """A string: one of ``choices``, or one that ``pattern`` matches; ``meaning`` says it in words."""

    meaning: str = "a string; put it in double quotes"
    pattern: str = ""
    choices: tuple[str, ...] = ()
    longest: int = 0

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields at most one error."""
        if not isinstance(value, str):
            yield path, f"must be {self.meaning}"
        elif "\0" in value:
            yield path, "holds a NUL character, which no program can be given"
        elif self.choices and value not in self.choices:
            yield path, f"must be one of {', '.join(self.choices)}, not '{printable(value)}'"
        elif (self.pattern and not re.fullmatch(self.pattern, value)) or 0 < self.longest < len(value):
            yield path, f"must be {self.meaning}"

    def schema(self) -> dict[str, Any]:
        """Returns the schema of a string."""
        result: dict[str, Any] = {"type": "string"}
        if self.choices:
            result["enum"] = list(self.choices)
        if self.pattern:
            result["pattern"] = f"^(?:{self.pattern})$"
        if self.longest:
            result["maxLength"] = self.longest
        return result


@dataclass(frozen=True)
class ProgramWord(Text):
    """The program of a command. Some clients write its arguments with it, and are told what to write."""

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields at most one error."""
        words = value
        if isinstance(value, dict):  # Zed until 2025
            args = value.get("args")
            words = [value.get("path", value.get("command")), *(args if isinstance(args, list) else [])]
        if isinstance(words, list) and words and all(isinstance(each, str) for each in words):
            hidden = {position for position, _text in secrets_among(words)}
            shown = [
                json.dumps("…" if at in hidden else printable(each), ensure_ascii=False)
                for at, each in enumerate(words)
            ]
            args = f', "args": [{", ".join(shown[1:])}]' if shown[1:] else ""
            yield path, f'must be {self.meaning} alone; write "command": {shown[0]}{args}'
        else:
            yield from Text.errors(self, value, path)


@dataclass(frozen=True)
class Switch:
    """True or false."""

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields at most one error."""
        if not isinstance(value, bool):
            yield path, "must be true or false, without quotes"

    def schema(self) -> dict[str, Any]:
        """Returns the schema of a boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Number:
    """A number within bounds; ``whole`` leaves out fractions."""

    least: float
    most: float
    whole: bool = True

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields at most one error."""
        kinds = (int,) if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not self.least <= value <= self.most:
            kind = "whole number" if self.whole else "number"
            yield path, f"must be a {kind} from {self.least:g} to {self.most:g}, without quotes"

    def schema(self) -> dict[str, Any]:
        """Returns the schema of a number."""
        return {"type": "integer" if self.whole else "number", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Either:
    """A value of one of several shapes; ``meaning`` names them."""

    shapes: tuple[Shape, ...]
    meaning: str

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields at most one error."""
        if all(any(True for _error in shape.errors(value, path)) for shape in self.shapes):
            yield path, f"must be {self.meaning}"

    def schema(self) -> dict[str, Any]:
        """Returns the schema that any of the shapes meets."""
        return {"anyOf": [shape.schema() for shape in self.shapes]}


@dataclass(frozen=True)
class Listing:
    """A list of values of one shape."""

    each: Shape
    meaning: str = "a list of strings"

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields the errors of the list and of its items."""
        if not isinstance(value, list):
            yield path, f"must be {self.meaning}: […]"
            return
        for position, each in enumerate(value):
            yield from self.each.errors(each, f"{path}[{position}]")

    def schema(self) -> dict[str, Any]:
        """Returns the schema of an array."""
        return {"type": "array", "items": self.each.schema()}


@dataclass(frozen=True)
class Table:
    """An object whose keys the user chooses."""

    each: Shape
    key: Text = field(default_factory=Text)
    meaning: str = 'an object: {"NAME": "value"}'

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields the errors of the object, of its keys and of its values."""
        if not isinstance(value, dict):
            yield path, f"must be {self.meaning}"
            return
        for name, each in value.items():
            below = key_path(path, name)
            if any(True for _error in self.key.errors(name, below)):
                yield below, f"'{printable(name)}' is not {self.key.meaning}"
            else:
                yield from self.each.errors(each, below)

    def schema(self) -> dict[str, Any]:
        """Returns the schema of an object."""
        result: dict[str, Any] = {"type": "object", "additionalProperties": self.each.schema()}
        if self.key.pattern:
            result["propertyNames"] = {"pattern": f"^(?:{self.key.pattern})$"}
        return result


@dataclass(frozen=True)
class Key:
    """One key of a record: the shape of its value and what it is for."""

    shape: Shape
    description: str
    example: Any = None

    def schema(self) -> dict[str, Any]:
        """Returns the schema of the value, with the description."""
        examples = {} if self.example is None else {"examples": [self.example]}
        return {**self.shape.schema(), "description": self.description, **examples}


@dataclass(frozen=True)
class Record:
    """An object with the keys that are listed, all of them optional. Unknown keys are the caller's to judge."""

    keys: Mapping[str, Key]
    meaning: str = "an object: {…}"

    def errors(self, value: Any, path: str) -> Iterator[SchemaError]:
        """Yields the errors of the object and of the values of its known keys."""
        if not isinstance(value, dict):
            yield path, f"must be {self.meaning}"
            return
        for name, key in self.keys.items():
            if name in value:
                yield from key.shape.errors(value[name], f"{path}.{name}" if path else name)

    def unknown(self, value: Any) -> Sequence[str]:
        """Returns the keys of an object that are not listed."""
        return [name for name in value if name not in self.keys] if isinstance(value, dict) else []

    def schema(self) -> dict[str, Any]:
        """Returns the schema of an object."""
        return {"type": "object", "properties": {name: key.schema() for name, key in self.keys.items()}}
