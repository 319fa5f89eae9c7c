# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as YAML, the same bytes for the same objects.

Strings are in double quotes wherever any reader of YAML 1.1 or 1.2 could take them for something else: kubectl reads
``y`` and ``1e3`` otherwise than Python does.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

try:
    import yaml

    YAML_ERROR = None
except ImportError:
    YAML_ERROR = traceback.format_exc()

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_NOT_PLAIN = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"})


def document(comments: Iterable[str], objects: Sequence[Object]) -> str:
    """Returns a file of objects, with a line of comment for each text in front."""
    lines = "".join(f"# {' '.join(each.split())}\n" for each in comments)
    return lines + "---\n".join(_text(each) for each in objects)


def objects_of(text: str) -> list[Object]:
    """Returns the objects of a file; none where it is not YAML."""
    try:
        return [each for each in yaml.safe_load_all(text) if isinstance(each, dict)]
    except yaml.YAMLError:
        return []


def _text(value: Any) -> str:
    return str(yaml.dump(value, Dumper=_dumper(), sort_keys=False, allow_unicode=False, width=10**6))


def _dumper() -> Any:
    class _Dumper(yaml.SafeDumper):  # type: ignore[misc,name-defined]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def _string(dumper: Any, value: str) -> Any:
        plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _NOT_PLAIN
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')

    _Dumper.add_representer(str, _string)
    return _Dumper
