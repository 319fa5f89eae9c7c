"""What an operation is: its method and path, who may, what it takes and answers, and what does it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from monitor.access.users import User
from monitor.api.idempotency import IdempotencyKeys
from monitor.api.schema import Schema
from monitor.sources import Sources
from monitor.web import Answer, Request


@dataclass(frozen=True)
class Parameter:
    """A value of the path, the query or a header. ``place`` is as OpenAPI has it; its name in headers has any case.
    One of the path that ``has_slash`` has one in it.
    """

    name: str
    schema: Schema
    meaning: str
    place: str = "query"
    required: bool = False
    has_slash: bool = False


@dataclass(frozen=True)
class Call:
    """A call of an operation: ``values`` are those of its parameters that are given, each of its type."""

    request: Request
    sources: Sources
    url: str
    """The path of the API."""
    values: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    keys: IdempotencyKeys = field(default_factory=IdempotencyKeys)

    @property
    def user(self) -> User:
        """Who calls."""
        return self.request.user

    @property
    def now(self) -> datetime:
        """When."""
        return self.request.now


@dataclass(frozen=True)
class Reply:
    """What an operation answers: ``document`` is plain data, which is sent as JSON."""

    document: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Perform = Callable[[Call], Reply | Answer]


@dataclass(frozen=True)
class Operation:
    """``scope`` is the role that it needs, None for none; ``path`` names its parameters in braces.

    ``answer`` is the schema of the document of a good answer, whose status is one of ``statuses``; ``problems`` are
    those of its problems, besides those that every operation may have. ``media`` are the answers that are no JSON,
    which are all where ``answer`` is None. One that ``takes_more`` heeds no parameter of the query that it does not
    know.
    """

    name: str
    method: str
    path: str
    scope: str | None
    summary: str
    perform: Perform
    answer: Schema | None
    parameters: tuple[Parameter, ...] = ()
    body: Schema | None = None
    body_is_required: bool = True
    statuses: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()
    media: tuple[str, ...] = ()
    takes_more: bool = False
    more: str = ""
    """What else is to be said, a paragraph."""

    @cached_property
    def form(self) -> re.Pattern[str]:
        """What matches the operation's paths, with a group for each parameter."""
        parts = re.split(r"\{(\w+)\}", self.path)
        slashed = {each.name for each in self.parameters if each.has_slash}
        forms = {part: "[^/]+/[^/]+" if part in slashed else "[^/]+" for part in parts[1::2]}
        found = (f"(?P<{part}>{forms[part]})" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        return re.compile("".join(found))

    @property
    def changes(self) -> bool:
        """Whether it asks for something to be done."""
        return self.method not in ("GET", "HEAD")
