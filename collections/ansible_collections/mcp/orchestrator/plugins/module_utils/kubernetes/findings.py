# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to say of one server that is to run on Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """Sentences, each beginning with the key that it is about.

    ``errors`` are why the server cannot run there, ``notes`` what is different there, ``needs`` what has to be there
    beside the objects.
    """

    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)

    def error(self, key: str, message: str) -> None:
        """Notes what cannot be, and the way out."""
        self.errors.append(f"{key}: {message}")

    def note(self, key: str, message: str) -> None:
        """Notes what is different."""
        self.notes.append(f"{key}: {message}")

    def need(self, what: str) -> None:
        """Notes what somebody has to make."""
        self.needs.append(what)
