# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules behave in check mode, with diffs, and when they are run again."""

from __future__ import annotations


class ModuleDocFragment:
    # Of a module that changes something.
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and report what it would do without changing anything.
    support: full
  diff_mode:
    description: Shows what changes, with before and after.
    support: full
  idempotent:
    description: When run again with the same options, it changes nothing.
    support: full
"""

    # Of a module that only looks.
    READ_ONLY = r"""
attributes:
  check_mode:
    description: Does the same in check mode, because it never changes anything.
    support: full
  diff_mode:
    description: There is never a difference to show.
    support: none
  idempotent:
    description: It never changes anything.
    support: full
"""
