# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items of lists that somebody else has put in the place of ours. Pure.

A list such as a Service's ports is merged by keys: with another number a port is another item. An apply removes no item
that others own, and the API server refuses two of the same name. So what stands in the way becomes ours first, by
``metadata.managedFields`` alone, and the apply that follows removes it, as it does with everything of ours that is no
longer desired. client-go moves ownership in the same way:
https://pkg.go.dev/k8s.io/client-go/util/csaupgrade
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.managed_fields import find
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

_Path = tuple[str, ...]


def claimed(desired: Object, observed: Object, manager: str) -> list[Object] | None:
    """Returns ``managedFields`` with which ``manager`` owns what stands in the place of something desired; None where
    nothing of others does."""
    entries: list[Object] = copy.deepcopy(observed["metadata"].get("managedFields") or [])
    own = next((each for each in entries if each.get("manager") == manager and each["operation"] == "Apply"), None)
    if own is None:
        return None
    found = False
    for entry in entries:
        if entry is own or entry.get("subresource"):
            continue
        for path in list(_in_the_way(entry["fieldsV1"], desired, observed, ())):
            _put(own["fieldsV1"], path, _cut(entry["fieldsV1"], path))
            found = True
    return [each for each in entries if each["fieldsV1"]] if found else None


def _in_the_way(tree: Mapping[str, Any], desired: Any, observed: Any, path: _Path) -> Iterator[_Path]:
    """The items that are not desired and have the name of one that is."""
    for name, below in tree.items():
        if name.startswith("f:") and isinstance(desired, Mapping) and isinstance(observed, Mapping):
            yield from _in_the_way(below, desired.get(name[2:]), observed.get(name[2:]), (*path, name))
        elif name.startswith("k:") and isinstance(desired, list):
            keys = json.loads(name[2:])
            wanted, there = find(desired, keys), find(observed, keys)
            if wanted is not None:
                yield from _in_the_way(below, wanted, there, (*path, name))
            elif there is not None and there.get("name") in {each.get("name") for each in desired} - {None}:
                yield (*path, name)


def _cut(tree: dict[str, Any], path: Sequence[str]) -> Any:
    """Takes what is at a path out of a tree, and what is empty then."""
    first, *rest = path
    if not rest:
        return tree.pop(first)
    taken = _cut(tree[first], rest)
    if not tree[first]:
        del tree[first]
    return taken


def _put(tree: dict[str, Any], path: Sequence[str], below: Any) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = below
