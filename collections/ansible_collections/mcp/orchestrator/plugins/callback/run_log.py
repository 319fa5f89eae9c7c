# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the reconciler's unit prints in the place of Ansible's tasks: the log of the run, a line for what happened."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_log
type: stdout
short_description: Print the log of a run, for the journal
version_added: 0.1.0
description:
  - One line in logfmt for each action, each event of a server, each error, and the run itself. What Ansible would say
    of its tasks is left out, and its errors stay.
  - In the journal each line has the priority of its level. The level is that of C([logging]) in the settings.
author: MCP Orchestrator contributors (@mcp-orchestrator)
options:
  run_log_file:
    description: Where the lines go too when C(run_log) of C([logging]) is true, five files of 1 MiB at most.
    type: path
    env:
      - name: MCP_RUN_LOG
  run_task_file:
    description: Where the name of the task under way stands, for whoever has to stop the run.
    type: path
    env:
      - name: MCP_RUN_TASK
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.mcp.orchestrator.plugins.plugin_utils.run_log import PRIORITIES, Line, RunLog

FILES = 5
FILE_BYTES = 1024 * 1024
# What is below is left out of the journal, as what systemd says of every start of the unit is (LogLevelMax).
LOWEST = PRIORITIES["INFO"]


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    """Prints the lines that RunLog makes of each task's result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "mcp.orchestrator.run_log"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._log = RunLog()
        self._file: Any = None
        self._is_journal = bool(os.environ.get("JOURNAL_STREAM"))

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Tells which task begins, to those who read everything, and notes it for who stops a run that hangs."""
        if path := self.get_option("run_task_file"):
            with suppress(OSError), open(path, "w", encoding="utf-8") as file:
                file.write(json.dumps(task.get_name()))
        self._print(self._log.started(task.get_name()))

    def v2_runner_on_ok(self, result: Any) -> None:
        """Tells what a task did."""
        self._finished(result, is_failure=False)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Tells what went wrong, also where the playbook goes on and the report would tell it later."""
        self._finished(result, is_failure=not ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Tells which host Ansible does not reach."""
        self._print(self._log.unreachable(result.host.get_name(), result.result))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Tells of a run that ended without its report."""
        self._print(self._log.over(has_failed=bool(stats.failures or stats.dark)))

    def _finished(self, result: Any, *, is_failure: bool) -> None:
        found: Mapping[str, Any] = result.result
        module = str(result.task.action).rpartition(".")[2]
        self._print(self._log.finished(module, result.task.get_name(), found, is_failure=is_failure))

    def _print(self, lines: Iterable[Line]) -> None:
        for line in lines:
            text = str(line)
            self._display.display(f"<{min(PRIORITIES[line.level], LOWEST)}>{text}" if self._is_journal else text)
            if self._log.keeps_file:
                self._keep(text)

    def _keep(self, text: str) -> None:
        """Writes a line into the file; a file that cannot be written is told once and holds nothing up."""
        path = self.get_option("run_log_file")
        if not path or self._file is False:
            return
        # Only for those who want the file.
        import logging.handlers  # pylint: disable=import-outside-toplevel

        try:
            if self._file is None:
                self._file = logging.handlers.RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES - 1)
                self._file.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
                self._file.handleError = self._give_up
            self._file.emit(logging.makeLogRecord({"msg": text}))
        except OSError as error:
            self._file = False
            self._display.warning(f"{path}: the log of the runs cannot be written: {error.strerror}")

    def _give_up(self, _record: Any) -> None:
        raise OSError(0, "the disk may be full")
