# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One key of settings.conf: a field of its section's dataclass, with its default, its reader and its meaning.

Nothing else says what a key is: files/settings.conf and docs/settings.md are written from here (docs/settings.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class Reader(Generic[_T]):
    """Reads the text behind ``=``.

    ``read`` raises ValueError with a reason that reads after the text: ``'7' is not …``. ``accepts`` says what it
    takes; ``choices`` are the words themselves, where there are only so many.
    """

    read: Callable[[str], _T]
    accepts: str
    choices: tuple[str, ...] = ()

    def __call__(self, text: str) -> _T:
        return self.read(text)


def setting(default: _T, read: Reader[_T], meaning: str, empty: str = "") -> _T:
    """Declares a field of a section.

    An empty text is the default. ``meaning`` is one or more sentences; ``empty`` says what the default means where it
    is written as an empty text.
    """
    metadata = {"read": read, "meaning": meaning, "empty": empty}
    # A factory, since a Secret has no hash and a dataclass takes no such default.
    return field(default_factory=lambda: default, metadata=metadata)  # pylint: disable=invalid-field-call


def readers_of(section: type[Any]) -> Mapping[str, Reader[Any]]:
    """Returns the readers of a section's keys, by key, in the order of its fields."""
    return {each.name: each.metadata["read"] for each in fields(section)}
