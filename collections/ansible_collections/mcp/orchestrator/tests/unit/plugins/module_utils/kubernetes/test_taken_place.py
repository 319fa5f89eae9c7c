# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an item is that stands in the place of a desired one."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.taken_place import claimed

OURS = 'k:{"port":8000,"protocol":"TCP"}'
THEIRS = 'k:{"port":99,"protocol":"TCP"}'
DESIRED = {"spec": {"ports": [{"name": "http", "port": 8000, "protocol": "TCP"}]}}


def observed(*ports: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """A Service with these ports, of which somebody owns some."""
    fields = [
        {"manager": "ours", "operation": "Apply", "fieldsV1": {"f:spec": {"f:type": {}}}},
        {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:ports": theirs}}},
    ]
    return {"metadata": {"managedFields": fields}, "spec": {"ports": list(ports)}}


def test_what_has_the_name_of_a_desired_item_becomes_ours() -> None:
    there = observed({"name": "http", "port": 99, "protocol": "TCP"}, theirs={THEIRS: {"f:name": {}}})
    assert claimed(DESIRED, there, "ours") == [
        {
            "manager": "ours",
            "operation": "Apply",
            "fieldsV1": {"f:spec": {"f:type": {}, "f:ports": {THEIRS: {"f:name": {}}}}},
        }
    ]


def test_what_others_own_beside_ours_stays_theirs() -> None:
    more = {"name": "metrics", "port": 99, "protocol": "TCP"}
    ours = {"name": "http", "port": 8000, "protocol": "TCP"}
    assert claimed(DESIRED, observed(ours, more, theirs={THEIRS: {"f:name": {}}}), "ours") is None
    assert claimed(DESIRED, observed(ours, theirs={OURS: {"f:name": {}}}), "ours") is None


def test_an_object_that_was_never_applied_is_not_ours_to_claim() -> None:
    there = observed({"name": "http", "port": 99, "protocol": "TCP"}, theirs={THEIRS: {}})
    assert claimed(DESIRED, there, "another") is None
