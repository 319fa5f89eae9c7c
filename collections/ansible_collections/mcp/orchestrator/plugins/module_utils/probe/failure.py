# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a server did not pass its probe."""

from __future__ import annotations


class ProbeFailure(Exception):
    """Why a server did not pass its probe.

    Attributes:
        cause: one word for programs; the module documents the list.
        step: the step of the conversation that failed, such as ``initialize``.
        reason: one sentence for people, with the way out where there is one.
    """

    def __init__(self, cause: str, step: str, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.step = step
        self.reason = reason
