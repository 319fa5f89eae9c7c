"""What happened to servers: in runs, from the reports in the folder of the history, each read once, and between runs,
as the watcher saw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from records.happenings import happenings
from records.history import Event, run

LATELY = timedelta(days=1)
# A report may be that of many runs, and has the time of the first in its name.
_LOOKED_AT = timedelta(days=2)


class Events:
    """The events of all reports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[int, tuple[Event, ...]]] = {}

    def tool_changes(self, now: datetime) -> Mapping[str, Event]:
        """Returns the last change of each server that changed its tools less than a day ago."""
        oldest = f"{now - _LOOKED_AT:%Y%m%dT%H%M%SZ}"
        return {
            event.server: event
            for event in reversed(self._since(oldest))
            if event.server is not None and event.event == "tools_changed" and now - event.at < LATELY
        }

    def of(self, server: str, limit: int) -> Sequence[Event]:
        """Returns the newest events of a server."""
        in_runs = [event for event in self._since("") if event.server == server][:limit]
        between = happenings(self._folder.parent, server, limit)
        return sorted([*in_runs, *between], key=lambda each: each.at, reverse=True)[:limit] if between else in_runs

    def _since(self, oldest: str) -> list[Event]:
        """The events of the reports that are not older, the newest first."""
        there = self._reports()
        self._known = {name: known for name, known in self._known.items() if name in there}
        found: list[Event] = []
        for name in sorted(there, reverse=True):
            if name < oldest:
                break
            known = self._known.get(name)
            if known is None or known[0] != there[name]:
                report = run(self._folder, name)
                known = self._known[name] = (there[name], () if report is None else report.events)
            found += known[1]
        return found

    def _reports(self) -> dict[str, int]:
        """When each report was written, by its id."""
        try:
            paths = [path for path in self._folder.iterdir() if path.suffix == ".json" and path.name[0].isdigit()]
            return {path.stem: path.stat().st_mtime_ns for path in paths}
        except OSError:
            return {}
