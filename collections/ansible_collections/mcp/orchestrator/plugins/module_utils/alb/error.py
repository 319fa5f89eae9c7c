# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with routes, each as a sentence that a person can act on."""

from __future__ import annotations


class AlbError(Exception):
    """Something about the routes failed; the message names it and the way out."""


class DesiredRoutesError(AlbError):
    """The desired routes contradict themselves or AWS's documented limits; nothing was changed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class QuotaError(AlbError):
    """The desired routes cannot fit into the account's quotas; nothing was changed."""


class ApiError(AlbError):
    """A call to the Elastic Load Balancing API failed.

    ``code`` is the service's error code, or the name of botocore's exception where no answer came. ``is_fatal`` says
    that every further call would fail alike: no credentials, no connection.
    """

    def __init__(self, operation: str, code: str, message: str, is_fatal: bool = False) -> None:
        super().__init__(message)
        self.operation = operation
        self.code = code
        self.is_fatal = is_fatal

    @property
    def is_quota(self) -> bool:
        """Whether a quota was met that preflight did not foresee."""
        if self.name == "TooManyRequests":  # that is throttling
            return False
        return self.name.startswith("TooMany") or self.name == "TargetGroupAssociationLimit"

    @property
    def is_race(self) -> bool:
        """Whether somebody else changed the listener while this run was under way."""
        return self.name in {"PriorityInUse", "RuleNotFound", "TargetGroupNotFound", "DuplicateTargetGroupName"}

    @property
    def name(self) -> str:
        """The code without the suffix that the service writes sometimes and botocore's model always."""
        return self.code.removesuffix("Exception")


class WaitError(AlbError):
    """A target did not reach the awaited state in time."""
