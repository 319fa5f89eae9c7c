# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that several parts of a plan need: draining targets, and writing tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import Target
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import WAIT_DRAINED, Action, Phase

Json = dict[str, Any]

_EARLY = {
    Phase.DRAIN: Phase.EARLY_DRAIN,
    Phase.WAIT_DRAINED: Phase.EARLY_WAIT_DRAINED,
    Phase.DETACH: Phase.EARLY_DELETE_RULES,
    Phase.DELETE_GROUPS: Phase.EARLY_DELETE_GROUPS,
}


def early_or(phase: Phase, is_early: bool) -> Phase:
    """Returns the phase, or its early twin."""
    return _EARLY[phase] if is_early else phase


def drain(
    server: str,
    group_arn: str,
    targets: list[Target],
    reason: str,
    *,
    awaited: list[Target],
    patience: int | None = None,
    is_early: bool = False,
    needs: frozenset[str] = frozenset(),
) -> list[Action]:
    """Returns the steps that deregister targets of a group, and wait until no open stream leads to the awaited ones.

    ``patience`` is how many seconds of waiting are enough, None where only the end is.
    """
    steps = []
    if targets:
        steps.append(
            Action(
                phase=early_or(Phase.DRAIN, is_early),
                server=server,
                name="deregister_targets",
                operation="deregister_targets",
                arguments=targets_argument(group_arn, targets),
                reason=reason,
                before=show_targets(targets),
                needs=needs,
            )
        )
    if awaited:
        steps.append(
            Action(
                phase=early_or(Phase.WAIT_DRAINED, is_early),
                server=server,
                name=WAIT_DRAINED,
                operation=WAIT_DRAINED,
                arguments=targets_argument(group_arn, awaited),
                reason="open streams end first",
                needs=needs,
                patience=patience,
            )
        )
    return steps


def tag(
    phase: Phase,
    server: str,
    name: str,
    arn: str,
    desired: Mapping[str, str],
    observed: Mapping[str, str],
    reason: str,
) -> list[Action]:
    """Returns the step that gives a rule or target group the desired tags that it does not have, if there are any.

    ``name`` is the action's: tag_rule or tag_target_group. Tags that are not desired stay.
    """
    changed = {key: value for key, value in desired.items() if observed.get(key) != value}
    if not changed:
        return []
    return [
        Action(
            phase=phase,
            server=server,
            name=name,
            operation="add_tags",
            arguments={"ResourceArns": [arn], "Tags": key_values(changed)},
            reason=reason,
            before={key: observed.get(key) for key in changed},
            after=changed,
        )
    ]


def key_values(mapping: Mapping[str, str]) -> list[Json]:
    """Returns tags or attributes as the API wants them, sorted by their keys."""
    return [{"Key": key, "Value": value} for key, value in sorted(mapping.items())]


def targets_argument(group_arn: str, targets: Iterable[Target]) -> Json:
    """Returns what RegisterTargets, DeregisterTargets and DescribeTargetHealth are called with."""
    return {"TargetGroupArn": group_arn, "Targets": [target.for_api() for target in targets]}


def show_targets(targets: Iterable[Target]) -> list[str]:
    """Returns targets as people read them, such as ``i-0123456789abcdef0:20417``."""
    return [f"{target.id}:{target.port}" for target in targets]
