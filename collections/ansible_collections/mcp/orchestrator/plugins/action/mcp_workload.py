# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the module of the same name."""

from __future__ import annotations

import gc
import importlib
from contextlib import suppress

from ansible_collections.mcp.orchestrator.plugins.plugin_utils.in_process import InProcessAction as ActionModule

# Only runs that have a cluster load this action, and before the processes of their tasks are forked: that is half a
# second once a run, and not in each task that asks the cluster.
with suppress(ImportError):  # the module says what is missing
    importlib.import_module("kubernetes")
    gc.freeze()

__all__ = ["ActionModule"]
