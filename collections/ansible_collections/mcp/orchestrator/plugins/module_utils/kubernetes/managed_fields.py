# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns which fields of an object, as the API server notes it (FieldsV1 in metadata.managedFields).

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management: ``f:NAME`` is a field, ``k:{…}`` the
item of a list with these keys, ``v:…`` a value of a set, ``.`` the thing itself. What has nothing below it is owned as
a whole. Whoever changes a value owns it alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Owner:
    """One manager of fields, and what it owns."""

    name: str
    tree: Tree


def owners(observed: Mapping[str, Any]) -> list[Owner]:
    """Returns the managers of an object's fields, without those of its status alone."""
    entries = (observed.get("metadata") or {}).get("managedFields") or ()
    return [
        Owner(str(each.get("manager", "")), each.get("fieldsV1") or {})
        for each in entries
        if each.get("subresource") != "status"
    ]


def field(tree: Tree, name: str) -> Tree | None:
    """Returns what is owned of a field, None where it is not owned."""
    return tree.get(f"f:{name}")


def item(tree: Tree, value: Any) -> tuple[str, Tree] | None:
    """Returns the name under which an item of a list is known, and what is owned of it; None where it is not owned."""
    return next(
        ((name, below) for name, below in tree.items() if name.startswith("k:") and _has(value, keys_of(name))), None
    )


def has_items(tree: Tree) -> bool:
    """Returns whether items of a list are owned one by one."""
    return any(name.startswith("k:") for name in tree)


@lru_cache(maxsize=4096)
def keys_of(name: str) -> Mapping[str, Any]:
    """Returns the keys by which an item of a list is known; the same few names occur in every object."""
    found: dict[str, Any] = json.loads(name[2:])
    return found


def find(values: Any, keys: Mapping[str, Any]) -> Any:
    """Returns the item of a list with these keys, None where there is none."""
    return next((each for each in values if _has(each, keys)), None) if isinstance(values, list) else None


def is_whole(tree: Tree) -> bool:
    """Returns whether something is owned as a whole: a value, or a list or an object that is never merged."""
    return not tree or (len(tree) == 1 and "." in tree)


def _has(value: Any, keys: Mapping[str, Any]) -> bool:
    return isinstance(value, dict) and keys.items() <= value.items()
