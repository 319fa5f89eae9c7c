"""What the API server was asked, by its own audit log. Nodes and controllers are not in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Call:
    """One request. ``verb`` is that of RBAC, ``resource`` the plural of a kind, with ``/part`` where it is one.

    ``at`` is when it was answered, in seconds since the epoch.
    """

    verb: str
    resource: str
    namespace: str
    name: str
    user: str
    status: int
    at: float


class AuditLog:
    """Calls since ``mark`` was last called."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def mark(self) -> None:
        """From here on."""
        self._offset = self._path.stat().st_size if self._path.exists() else 0

    def calls(self, user: str = "") -> list[Call]:
        """Returns the calls of a user, or of everybody, in the order in which they were answered."""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            written = log.read().rpartition(b"\n")[0]  # the last line may be half there
        found = [_call(json.loads(line)) for line in written.splitlines()]
        return [each for each in found if each.user == user or not user]


def _call(entry: dict[str, object]) -> Call:
    # https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
    target: dict[str, str] = entry.get("objectRef") or {}  # type: ignore[assignment]
    part = f"/{target['subresource']}" if target.get("subresource") else ""
    return Call(
        str(entry["verb"]),
        target.get("resource", str(entry["requestURI"])) + part,
        target.get("namespace", ""),
        target.get("name", ""),
        entry["user"]["username"],  # type: ignore[index]
        entry["responseStatus"]["code"],  # type: ignore[index]
        datetime.fromisoformat(str(entry["stageTimestamp"])).timestamp(),
    )
