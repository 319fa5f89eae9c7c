# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One key of settings.conf: a field of its section's dataclass, with its default and its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import Any, TypeVar

_T = TypeVar("_T")
Reader = Callable[[str], Any]


def setting(default: _T, read: Callable[[str], _T]) -> _T:
    """Declares a field of a section.

    ``read`` makes the value of the text behind ``=``; it raises ValueError with a reason that reads after the text.
    An empty text is the default.
    """
    # A factory, since a Secret has no hash and a dataclass takes no such default.
    return field(default_factory=lambda: default, metadata={"read": read})


def readers_of(section: type[Any]) -> Mapping[str, Reader]:
    """Returns the readers of a section's keys, by key, in the order of its fields."""
    return {each.name: each.metadata["read"] for each in fields(section)}
