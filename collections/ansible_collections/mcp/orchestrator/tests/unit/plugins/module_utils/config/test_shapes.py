# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shapes of entries as clients and READMEs have them: what each becomes, and what is said of it.

shapes/NAME.json is a list of configs, each with what is expected: ``{"why": …, "config": …, "expect": …}``. ``expect``
has an object for each server, and one named "" for the file. In it ``error KEY``, ``warning KEY`` and ``note KEY`` hold
a part of the message, or a list of parts; errors and warnings that are not listed are wrong. ``state`` is runs,
disabled, remote or wrong; other keys are facts of the spec or the remote server, ``build.package`` one of its recipe.
A config that is a string is the file's text. A file that cannot be used has ``unusable``, a list of parts of errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver

SHAPES = Path(__file__).parent / "shapes"
_FINDING = re.compile(r"(error|warning|note)(?: (.*))?", re.DOTALL)


def cases() -> Iterator[Any]:
    for file in sorted(SHAPES.glob("*.json")):
        for position, case in enumerate(json.loads(file.read_text())):
            yield pytest.param(
                case, id=f"{file.stem}-{position}-{re.sub(r'[^a-z0-9]+', '-', case['why'].lower())[:60]}"
            )


CASES = list(cases())


def read(config: Any, folder: Path) -> Fleet:
    path = folder / "mcp.config.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return read_fleet([str(path)], None, b"k" * 32, EmptyResolver())


def facts(fleet: Fleet) -> dict[str, dict[str, Any]]:
    """What each server is, by its name."""
    found: dict[str, dict[str, Any]] = {}
    for spec in fleet.specs:
        build = {f"build.{key}": value for key, value in (spec.build or {}).items()}
        found[spec.name] = {**spec.to_dict(), **build, "state": "runs" if spec.enabled else "disabled"}
        found[spec.name]["env"] = sorted(spec.env)
    for remote in fleet.remotes:
        found[remote.name] = {**remote.to_dict(), "state": "remote" if remote.enabled else "disabled"}
    for error in fleet.errors:
        found.setdefault(error.server or "", {"state": "wrong"})
    return found


def said(fleet: Fleet) -> dict[str, list[str]]:
    """The findings by ``severity`` as ``path: message``."""
    prefix = "mcp.config.json: "
    return {
        "error": [f"{error.path}: {error.message}" if error.path else error.message for error in fleet.errors],
        "warning": [each.removeprefix(prefix) for each in fleet.warnings],
    }


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


USABLE = [each for each in CASES if "unusable" not in each.values[0]["expect"].get("", {})]
UNUSABLE = [each for each in CASES if each not in USABLE]


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_file_that_cannot_be_used_is_told_what_it_is(case: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError) as caught:
        read(case["config"], tmp_path)
    told = [str(error) for error in caught.value.errors]
    wanted = case["expect"][""]["unusable"]
    assert len(told) == len(wanted), told
    assert all(part in text for part, text in zip(wanted, told, strict=True)), told
    assert "hunter2" not in str(told)


@pytest.mark.parametrize("case", USABLE)
def test_a_shape_becomes_what_it_means(case: dict[str, Any], tmp_path: Path) -> None:
    fleet = read(case["config"], tmp_path)
    found, messages = facts(fleet), said(fleet)
    open_findings = {severity: list(texts) for severity, texts in messages.items()}
    for server, expected in case["expect"].items():
        for key, value in expected.items():
            match = _FINDING.fullmatch(key)
            if match is None:
                assert found.get(server, {}).get(key) == value, (server, key, messages)
                continue
            severity, path = match[1], match[2] or ""
            for part in _listed(value):
                texts = fleet.explain.get(server, []) if severity == "note" else open_findings[severity]
                hits = [text for text in texts if part in text and _is_at(text, server, path, severity)]
                assert hits, (server, key, part, texts)
                if severity != "note":
                    open_findings[severity].remove(hits[0])
    assert open_findings == {"error": [], "warning": []}


def _is_at(text: str, server: str, path: str, severity: str) -> bool:
    if severity == "note":
        return text.startswith(f"{path}: ") if path else True
    place, _colon, _message = text.partition(": ")
    if not server or path.startswith("mcpServers"):
        return text.startswith(f"{path}: ")
    return (server in place or f'"{server}"' in text) and (place.endswith(path) or f"{path}: " in text)


@pytest.mark.parametrize("case", USABLE)
def test_no_secret_of_a_shape_is_shown(case: dict[str, Any], tmp_path: Path) -> None:
    fleet = read(case["config"], tmp_path)
    shown = [report(fleet), repr(fleet), json.dumps([spec.to_dict() for spec in fleet.specs])]
    shown += [json.dumps(fleet.explain), *map(str, fleet.errors), *fleet.warnings]
    assert not [text for text in shown if "hunter2" in text]
