"""Who a request is from, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

VIEW, OPERATE = "view", "operate"
ROLES = (VIEW, OPERATE)
"""Each may do what those before it may."""


@dataclass(frozen=True)
class User:
    """Somebody who has signed in; without a role nobody has."""

    name: str
    role: str | None

    def may(self, role: str) -> bool:
        """Whether the user has this role, or one that includes it."""
        return self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)


NOBODY = User("", None)
