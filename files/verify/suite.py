"""What a verification file says, once it has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

ACTIONS = ("initialize", "list_tools", "list_resources", "list_prompts", "call_tool", "read_resource", "get_prompt")
"""What asks a server; ``wait`` is the one step that asks nobody."""
WITH_DATA = ("call_tool", "read_resource", "get_prompt")
"""What a server answers with data of its users."""
WAIT = "wait"
AUTO, LEGACY, MODERN = "auto", "legacy", "modern"


@dataclass(frozen=True)
class Expectation:
    """What has to be so after a step. What is None is not asked for.

    ``path`` is a JMESPath into the answer, ``within`` are seconds, ``error`` kinds of errors of which one has to come.
    ``checks`` are the rest by their keys: equals, contains, matches, schema, exists.
    """

    path: str | None = None
    checks: Mapping[str, Any] = field(default_factory=dict)
    within: float | None = None
    error: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One thing to do: ``subject`` is the tool, prompt or URI, or the seconds of a ``wait``. Times are in seconds.
    ``show``: whether a failure tells what the answer says, be it of data."""

    action: str
    subject: Any = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 30.0
    cancel_after: float | None = None
    expect: tuple[Expectation, ...] = ()
    save: Mapping[str, str] = field(default_factory=dict)
    show: bool = False

    @property
    def title(self) -> str:
        """The step as people call it."""
        subject = "" if self.subject in (None, {}) else f" {self.subject}"
        return f"{self.action}{subject}"

    @property
    def tells(self) -> bool:
        """Whether a failure tells what the answer says: what a server lists of itself is no secret."""
        return self.show or self.action not in WITH_DATA

    @property
    def errors(self) -> tuple[str, ...]:
        """The kinds of errors that are expected; none means that it has to succeed."""
        return tuple(kind for each in self.expect for kind in each.error)


@dataclass(frozen=True)
class Sampling:
    """What the client answers when the server asks it for a completion whose messages match ``when``."""

    when: str
    answer: str


@dataclass(frozen=True)
class Elicitation:
    """What the client answers when the server asks for input whose message, or URL, matches ``when``.

    ``action`` is accept, with ``content`` as what was filled in, decline or cancel.
    """

    when: str
    action: Literal["accept", "decline", "cancel"] = "accept"
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Script:
    """What the client answers when the server asks; without an entry it offers the server no such question."""

    sampling: tuple[Sampling, ...] = ()
    elicitation: tuple[Elicitation, ...] = ()


@dataclass(frozen=True)
class Bench:
    """How a case is repeated for its figures: ``rate`` in cases a second, None as fast as possible; seconds."""

    concurrency: int = 1
    duration: float = 10.0
    rate: float | None = None


@dataclass(frozen=True)
class Case:
    """Steps in one session, which stop at the first that fails. ``teardown`` is done in any case."""

    name: str
    steps: tuple[Step, ...]
    setup: tuple[Step, ...] = ()
    teardown: tuple[Step, ...] = ()
    script: Script = Script()
    variables: Mapping[str, Any] = field(default_factory=dict)
    bench: Bench | None = None


@dataclass(frozen=True)
class Suite:
    """One file: its cases, and the servers to which they apply, by names or patterns such as ``git*``."""

    path: Path
    servers: tuple[str, ...]
    cases: tuple[Case, ...]
    protocols: tuple[str, ...] = (AUTO,)
    headers: Mapping[str, str] = field(default_factory=dict)

    def applies_to(self, server: str) -> bool:
        """Whether a server is one of those that the file names."""
        return any(fnmatchcase(server, pattern) for pattern in self.servers)
