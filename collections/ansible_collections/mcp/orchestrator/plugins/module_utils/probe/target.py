# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers are asked, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ToolCall:
    """A tool to call, and a regular expression that its text answer must contain."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    expect: str | None = None


@dataclass(frozen=True)
class ProbeTarget:
    """Where one server is asked. Headers may hold tokens: they are sent and never reported."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    call: ToolCall | None = None
    bridges: tuple[str, ...] = ()
    """Where its bridges tell their health on this host."""
