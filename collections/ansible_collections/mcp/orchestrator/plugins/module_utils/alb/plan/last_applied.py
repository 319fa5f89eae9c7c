# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last-applied digest: a tag by which a run knows that this host's last one completed, and what it applied.

With it a run trusts the tags of target groups instead of asking each for its targets. It is removed before anything
changes, so that a run which is cut short leaves none.
"""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import (
    GROUP_REFERENCE,
    Action,
    Phase,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.builders import key_values
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import PlanInput


def with_last_applied(plan_input: PlanInput, actions: list[Action], is_unfinished: bool) -> list[Action]:
    """Returns the actions with those before and after them that remove the digest and write it again.

    ``is_unfinished`` says that this run cannot reach the desired state: then no digest is written. Where nothing is to
    do and the digest is in its place, or may not be written, nothing is added.
    """
    desired, observed = plan_input.desired, plan_input.observed
    bearer = observed.group_by_name.get(observed.last_applied_group or "")
    # The group whose tags bear the digest is the first by name.
    home = min(desired.group_names.values(), default=None)
    is_in_place = observed.last_applied == desired.last_applied and bearer is not None and bearer.name == home
    may_write = home is not None and not is_unfinished
    if not actions and (is_in_place or not may_write):
        return actions
    tag_key = desired.owner.last_applied_tag
    before = []
    if bearer is not None and (actions or not is_in_place):
        before.append(
            Action(
                phase=Phase.FORGET_LAST_APPLIED,
                server=None,
                name="forget_last_applied",
                operation="remove_tags",
                arguments={"ResourceArns": [bearer.arn], "TagKeys": [tag_key]},
                reason="this run changes something",
            )
        )
    if home is None or is_unfinished:
        return before + actions
    group = observed.group_by_name.get(home)
    record = Action(
        phase=Phase.RECORD_LAST_APPLIED,
        server=None,
        name="record_last_applied",
        operation="add_tags",
        arguments={
            "ResourceArns": [group.arn if group else GROUP_REFERENCE + home],
            "Tags": key_values({tag_key: desired.last_applied}),
        },
        reason="everything is in the desired state of this run",
    )
    return [*before, *actions, record]
