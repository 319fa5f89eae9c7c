"""The places of a document, each of which says what is wrong where something else stands there than is looked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


class StateUnreadable(Exception):
    """The state file does not hold a state. The message is a sentence for people."""


class Node:
    """A place in the document: ``raw`` is what stands there, ``place`` its name. Everything raises StateUnreadable."""

    def __init__(self, raw: Any, place: str) -> None:
        self.raw = raw
        self.place = place

    @property
    def none(self) -> bool:
        """Whether nothing stands there."""
        return self.raw is None

    def get(self, key: str) -> Node:
        """The place below, which has to be there."""
        if not isinstance(self.raw, dict):
            raise self._unlike("an object")
        if key not in self.raw:
            raise StateUnreadable(f"the state file is incomplete: {self.place}.{key} is missing")
        return Node(self.raw[key], f"{self.place}.{key}")

    def maybe(self, key: str) -> Node:
        """The same for what the file of an older version has not."""
        return self.get(key) if isinstance(self.raw, dict) and key in self.raw else Node(None, f"{self.place}.{key}")

    def members(self) -> list[Node]:
        """The places of a list."""
        if not isinstance(self.raw, list):
            raise self._unlike("a list")
        return [Node(member, f"{self.place}[{index}]") for index, member in enumerate(self.raw)]

    def texts(self) -> tuple[str, ...]:
        """The texts of a list."""
        return tuple(member.text() for member in self.members())

    def maybe_object(self) -> dict[str, Any] | None:
        """The object as it stands there; None for null."""
        if self.raw is not None and not isinstance(self.raw, dict):
            raise self._unlike("an object")
        return self.raw

    def text(self) -> str:
        """The text."""
        if not isinstance(self.raw, str):
            raise self._unlike("a text")
        return self.raw

    def one_of(self, known: tuple[str, ...]) -> str:
        """The text, one of the known ones."""
        if self.text() not in known:
            raise self._unlike(f"one of {', '.join(known)}")
        return self.text()

    def moment(self) -> datetime:
        """The time, in UTC."""
        try:
            moment = datetime.fromisoformat(self.text())
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise self._unlike("a time") from error

    def maybe_text(self) -> str | None:
        """The text; None for null."""
        return None if self.none else self.text()

    def maybe_whole(self) -> int | None:
        """The whole number; None for null."""
        return None if self.none else self.whole()

    def whole(self) -> int:
        """The whole number."""
        if not isinstance(self.raw, int) or isinstance(self.raw, bool):
            raise self._unlike("a whole number")
        return self.raw

    def maybe_number(self) -> float | None:
        """The number; None for null."""
        if self.none:
            return None
        if not isinstance(self.raw, (int, float)) or isinstance(self.raw, bool):
            raise self._unlike("a number")
        return self.raw

    def _unlike(self, wanted: str) -> StateUnreadable:
        return StateUnreadable(f"the state file is not valid: {self.place} is not {wanted}")
