# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of a run: a line in logfmt for each action, each event of a server, each error, and the run itself. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# syslog(3): what journald reads in <> before a line.
PRIORITIES = {"DEBUG": 7, "INFO": 5, "WARNING": 4, "ERROR": 3}
LONGEST_VALUE = 1000

_STEPS = {"mcp_image": "images", "mcp_container": "containers", "mcp_route": "routes"}
_PLAIN = re.compile(r"[\w.:/@+,%*-]+", re.ASCII)
_REPORT = "mcp_state"
_CONFIG = "mcp_config_info"


@dataclass(frozen=True)
class Line:
    """One line of the log: its level, one of LEVELS, and its fields in their order."""

    level: str
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        """The line in logfmt: ``level=info server=time action=create reason="it has no container"``."""
        given = {"level": self.level.lower(), **self.fields}
        return " ".join(f"{key}={_value(value)}" for key, value in given.items() if value not in (None, ""))


@dataclass
class RunLog:
    """Makes lines of the results of a run's tasks, as they come.

    ``level`` is that of the settings once they are read: lines below it are left out. What persists from run to run,
    the warnings and the errors, is told when it is news: by the run whose report is not counted in the one before.
    """

    level: str = "INFO"
    keeps_file: bool = False
    ended: bool = False
    _waiting: list[Line] = field(default_factory=list)

    def started(self, task: str) -> Iterator[Line]:
        """Yields the line for a task that begins."""
        yield from self._wanted(Line("DEBUG", {"task": task}))

    def finished(self, module: str, task: str, result: Mapping[str, Any], *, is_failure: bool) -> Iterator[Line]:
        """Yields the lines for the result of a task.

        ``module`` is the name without its collection; ``is_failure`` says whether the run ends with it. A failure that
        the playbook goes on after is among the errors of the report.
        """
        if module == _CONFIG:
            self._follow(result)
        for warning in result.get("warnings") or ():
            self._waiting.append(Line("WARNING", {"msg": _text_of(warning)}))
        if module == _REPORT and isinstance(result.get("run"), Mapping):
            yield from self._report(result)
        elif is_failure:
            yield from self._wanted(
                Line("ERROR", {"task": task, "msg": result.get("msg") or "failed without a message"})
            )
        elif module == "debug":
            yield from self._wanted(Line("INFO", {"msg": result.get("msg")}))
        elif module in _STEPS:
            yield from self._actions(_STEPS[module], result)

    def unreachable(self, host: str, result: Mapping[str, Any]) -> Iterator[Line]:
        """Yields the line for a host that Ansible does not reach."""
        yield from self._wanted(Line("ERROR", {"host": host, "msg": result.get("msg") or "cannot be reached"}))

    def over(self, *, has_failed: bool) -> Iterator[Line]:
        """Yields what is left to tell when the playbook is over."""
        if self.ended:
            return
        for line in self._waiting:
            yield from self._wanted(line)
        if has_failed:
            yield from self._wanted(Line("ERROR", {"result": "failed", "msg": "the run ended without its report"}))

    def _report(self, result: Mapping[str, Any]) -> Iterator[Line]:
        self.ended = True
        run = result["run"]
        summary, *errors = str(result.get("msg") or "").splitlines()
        if not result.get("folded"):
            for line in self._waiting:
                yield from self._wanted(line)
            for event in result.get("events") or ():
                yield from self._wanted(_event(event))
            for error in errors:
                subject, _colon, message = error.partition(": ")
                yield from self._wanted(Line("ERROR", {"subject": subject, "msg": message}))
        level = "INFO" if run.get("result") == "ok" else "ERROR"
        told = {key: run.get(key) for key in ("id", "trigger", "result", "changes", "seconds")}
        again = "yes" if result.get("folded") else None
        yield from self._wanted(Line(level, {"run": told.pop("id"), **told, "as_before": again, "msg": summary}))

    def _actions(self, step: str, result: Mapping[str, Any]) -> Iterator[Line]:
        for action in result.get("actions") or ():
            told = {key: action.get(key) for key in ("server", "action", "reason")}
            yield from self._wanted(Line("INFO", {"step": step, **told}))

    def _follow(self, result: Mapping[str, Any]) -> None:
        settings = result.get("settings")
        logging = settings.get("logging") if isinstance(settings, Mapping) else None
        if isinstance(logging, Mapping):
            self.level = str(logging.get("level", self.level))
            self.keeps_file = bool(logging.get("run_log"))

    def _wanted(self, line: Line) -> Iterator[Line]:
        if PRIORITIES[line.level] <= PRIORITIES.get(self.level, PRIORITIES["INFO"]):
            yield line


def _event(event: Mapping[str, Any]) -> Line:
    trouble = event.get("event") in ("failing", "invalid", "degraded", "quarantined")
    told = {"server": event.get("server"), "event": event.get("event"), "msg": event.get("text")}
    return Line("WARNING" if trouble else "INFO", told)


def _text_of(warning: Any) -> str:
    """The text of a warning, which from ansible-core 2.19 on is an object (WarningSummary) or a text."""
    return str(getattr(getattr(warning, "event", None), "msg", warning))


def _value(value: Any) -> str:
    """A value of logfmt: plain words as they are, everything else as a JSON text in one line."""
    text = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else json.dumps(value)
    text = text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if _PLAIN.fullmatch(line) else json.dumps(line, ensure_ascii=False)
