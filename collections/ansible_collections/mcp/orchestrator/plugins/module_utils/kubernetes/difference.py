# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an object in the cluster is not as it is desired, and who has changed it. Pure.

Both ways are looked at: fields that have another value or another owner than us, and fields that we own and no longer
desire. What the API server adds by default, and what others own beside us, is none of our business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.managed_fields import (
    Owner,
    Tree,
    field,
    find,
    has_items,
    is_whole,
    item,
    keys_of,
    owners,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

_IDENTITY = ("apiVersion", "kind")
_NAMED = ("name", "namespace")
GONE = "is no longer desired"
_LONGEST = 60
_SECRET = ("f:data", "f:stringData")
_OURS, _OTHER = "the value of the config", "another value"
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """One field. ``by`` is the manager who has it now in place of us, empty where it is our own desire that changed."""

    path: str
    desired: str
    observed: str
    by: str = ""

    def __str__(self) -> str:
        """For people: field, value and who did it."""
        if not self.desired:
            return f"{self.path} {GONE}"
        if self.desired == self.observed:
            return f"{self.path} is as desired, and {self.by or 'nobody'} owns it"
        told = f"{self.path} is {self.observed or 'missing'}, not {self.desired}"
        return f"{told} ({self.by})" if self.by else told


def differences(desired: Object, observed: Object, manager: str) -> list[Difference]:
    """Returns what an apply of ``desired`` by ``manager`` would change; empty where it would change nothing."""
    known = owners(observed)
    own = next((each for each in known if each.name == manager), Owner(manager, {}))
    whole = _applied(desired)
    if _is_settled(whole, observed, own.tree):
        return []  # as most are: all fleets are looked at in each run
    others = [each for each in known if each.name != manager and not each.name.startswith(f"{manager}-")]
    walk = _Walk(others, hides=desired["kind"] == "Secret")
    found = list(walk.values(whole, observed, own.tree, ()))
    return [*found, *walk.left_over(whole, own.tree, ())]


def _applied(desired: Object) -> Object:
    """What of a desired object is owned by whoever applies it."""
    metadata = {key: value for key, value in desired["metadata"].items() if key not in _NAMED}
    return {**{key: value for key, value in desired.items() if key not in _IDENTITY}, "metadata": metadata}


def _is_settled(desired: Any, observed: Any, tree: Tree) -> bool:
    """Whether every field is as desired and ours, and nothing else is ours. Where it is not sure, it is not."""
    count = len(tree) - ("." in tree)
    if not count:
        return bool(desired == observed) and type(desired) is type(observed)
    if type(desired) is not type(observed) or count != len(desired):
        return False
    if isinstance(desired, dict):
        for key, value in desired.items():
            below, there = tree.get(f"f:{key}"), observed.get(key, _ABSENT)
            if below:
                if not _is_settled(value, there, below):
                    return False
            elif below is None or value != there or type(value) is not type(there):
                return False
        return True
    for name, below in tree.items():
        if name.startswith("k:"):
            keys = keys_of(name)
            value = find(desired, keys)
            if value is None or not _is_settled(value, find(observed, keys), below):
                return False
        elif name != ".":
            return False
    return True


@dataclass(frozen=True)
class _Walk:
    """``hides``: the values are secret."""

    others: Sequence[Owner]
    hides: bool = False

    def values(self, desired: Any, observed: Any, tree: Tree | None, path: tuple[str, ...]) -> Iterator[Difference]:
        """Fields that are not as desired, or not ours."""
        if isinstance(desired, dict) and tree is not None and not (path and is_whole(tree)):
            for key, value in desired.items():
                there = observed.get(key, _ABSENT) if isinstance(observed, dict) else _ABSENT
                if value in ({}, []) and there in (_ABSENT, None, {}, []):
                    continue  # an empty thing need not be stored
                below = field(tree, key)
                if below is not None and is_whole(below) and value == there and type(value) is type(there):
                    continue  # most are, and need no further look
                yield from self.values(value, there, below, (*path, f"f:{key}"))
        elif isinstance(desired, list) and tree is not None and has_items(tree):
            for value in desired:
                known = item(tree, value)
                if known is None:
                    yield self._difference(value, _ABSENT, path)
                else:
                    name, below = known
                    yield from self.values(value, find(observed, keys_of(name)), below, (*path, name))
        elif tree is None or not _within(desired, observed):
            yield self._difference(desired, observed, path)

    def left_over(self, desired: Any, tree: Tree, path: tuple[str, ...]) -> Iterator[Difference]:
        """Fields that we own and that are not desired."""
        for name, below in tree.items():
            place = (*path, name)
            if name == "." or place in (("f:metadata", "f:name"), ("f:metadata", "f:namespace")):
                continue
            if name.startswith("f:"):
                value = desired.get(name[2:], _ABSENT) if isinstance(desired, dict) else _ABSENT
            elif name.startswith("k:"):
                found = find(desired, keys_of(name))
                value = _ABSENT if found is None else found
            else:
                wanted = json.loads(name.partition(":")[2])
                value = wanted if isinstance(desired, list) and wanted in desired else _ABSENT
            if value is _ABSENT:
                yield Difference(_path(place), "", "")
            elif not is_whole(below):
                yield from self.left_over(value, below, place)

    def _difference(self, desired: Any, observed: Any, path: tuple[str, ...]) -> Difference:
        by = next((each.name for each in self.others if _owns(each.tree, path)), "")
        if self.hides and path[0] in _SECRET:
            same = desired == observed
            return Difference(_path(path), _OURS, _OURS if same else _OTHER if _shown(observed) else "", by)
        return Difference(_path(path), _shown(desired), _shown(observed), by)


def _owns(tree: Tree, path: Sequence[str]) -> bool:
    """Whether a manager owns a field, something in it, or what holds it as a whole."""
    for name in path:
        if is_whole(tree):
            return True
        below = tree.get(name)
        if below is None:
            return False
        tree = below
    return True


def _within(desired: Any, observed: Any) -> bool:
    """Whether all that is desired is there; the API server may have added defaults to it."""
    if isinstance(desired, dict):
        return isinstance(observed, dict) and all(
            key in observed and _within(value, observed[key]) for key, value in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(observed, list)
            and len(desired) == len(observed)
            and all(_within(one, other) for one, other in zip(desired, observed, strict=True))
        )
    return bool(desired == observed) and isinstance(desired, bool) == isinstance(observed, bool)


def _path(path: Sequence[str]) -> str:
    text = ""
    for name in path:
        if name.startswith("f:"):
            text += f".{name[2:]}"
        else:
            keys = json.loads(name.partition(":")[2])
            shown = ",".join(map(str, keys.values())) if isinstance(keys, dict) else str(keys)
            text += f"[{shown}]"
    return text.lstrip(".")


def _shown(value: Any) -> str:
    if value is _ABSENT or value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
