# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.plugin_utils.in_process import InProcessAction

INTERPRETER = {"ansible_python_interpreter": os.path.join(sys.prefix, "bin", "python")}


def is_at_home(task: dict[str, Any], connection: dict[str, Any], interpreter: dict[str, Any]) -> bool:
    action = InProcessAction.__new__(InProcessAction)
    action._task = SimpleNamespace(**{"delegate_to": None, "async_val": 0, "timeout": 0, **task})
    action._connection = SimpleNamespace(**{"transport": "local", "become": None, **connection})
    action._templar = SimpleNamespace(template=lambda value: value)
    return action._is_at_home(interpreter)


def test_a_module_of_this_host_and_this_interpreter_runs_in_this_process() -> None:
    assert is_at_home({}, {}, INTERPRETER)


@pytest.mark.parametrize(
    ("task", "connection", "interpreter"),
    [
        ({}, {"transport": "ssh"}, INTERPRETER),
        ({}, {"become": object()}, INTERPRETER),
        ({"delegate_to": "elsewhere"}, {}, INTERPRETER),
        ({"async_val": 60}, {}, INTERPRETER),
        ({"timeout": 60}, {}, INTERPRETER),
        ({}, {}, {"ansible_python_interpreter": "/nowhere/bin/python"}),
        ({}, {}, {}),
    ],
)
def test_a_task_that_asks_for_another_process_gets_one(
    task: dict[str, Any], connection: dict[str, Any], interpreter: dict[str, Any]
) -> None:
    assert not is_at_home(task, connection, interpreter)
