# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one after the other, five minutes apart, each with what is known from those before."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.memory import Memory
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.run import remembered, report_of_run
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    RUN,
    SETTINGS,
    state_of,
    steps,
)

HISTORY_SCHEMA = json.loads((Path(__file__).parents[10] / "files/history.schema.json").read_text())


@dataclass(frozen=True)
class Runs:
    """What is known after ``number`` runs; each method is about the next one, whose results may be replaced."""

    memory: Memory = field(default_factory=Memory)
    number: int = 0

    def then(self, **changes: Any) -> Runs:
        settings = changes.pop("settings", SETTINGS)
        after = remembered(self.state(settings=settings, **changes), steps(**changes), settings, self.memory)
        return Runs(after, self.number + 1)

    def state(self, **changes: Any) -> dict[str, Any]:
        began, ended = (each + timedelta(minutes=5 * self.number) for each in (RUN.started, RUN.finished))
        run = replace(RUN, id=f"{began:%Y%m%dT%H%M%SZ}-abcd", started=began, finished=ended)
        had = {name: self.memory.tools_of(name) for name in self.memory.servers}
        return state_of(run=run, had_tools=had, **changes)

    def report(self, trigger: str = "timer", **changes: Any) -> dict[str, Any]:
        """The report of the next run; it always keeps to the schema."""
        settings = changes.pop("settings", SETTINGS)
        state = self.state(settings=settings, **changes)
        results = steps(**changes)
        after = remembered(state, results, settings, self.memory)
        record = report_of_run(state, results, self.memory, after, trigger)[0]
        jsonschema.Draft202012Validator(HISTORY_SCHEMA).validate(record)
        return record

    def events(self, **changes: Any) -> list[tuple[str, str, str]]:
        return [(each["server"], each["event"], each["text"]) for each in self.report(**changes)["events"]]
