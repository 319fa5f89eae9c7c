"""The values that ``${name}`` and ``${env:NAME}`` stand for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from verify.read import VARIABLE

SHORTEST_SECRET = 4
HIDDEN = "***"


class NotSet(Exception):
    """A variable that has no value."""


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """The value with every variable in it, at any depth; a text that is one variable alone becomes its value as it is.

    Raises NotSet.
    """
    if isinstance(value, str):
        alone = VARIABLE.fullmatch(value)
        if alone:
            return _value(alone, variables)
        return VARIABLE.sub(lambda found: str(_value(found, variables)), value)
    if isinstance(value, Mapping):
        return {key: filled(each, variables) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, variables) for each in value]
    return value


def _value(found: re.Match[str], variables: Mapping[str, Any]) -> Any:
    of_environment, name = found.groups()
    if of_environment:
        if name not in os.environ:
            raise NotSet(f"the environment has no {name}; set it before you start the verification")
        return os.environ[name]
    if name not in variables:
        raise NotSet(f"nothing has set ${{{name}}}; save it in an earlier step")
    return variables[name]


def secrets_of(values: Iterable[Any]) -> frozenset[str]:
    """What the environment's variables in these values stand for, which no result may show."""
    names = {name for value in values for kind, name in VARIABLE.findall(str(value)) if kind}
    return frozenset(os.environ[name] for name in names if len(os.environ.get(name, "")) >= SHORTEST_SECRET)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without secrets."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
