# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.plugin_utils.compiled_once import CompiledOnce

PLUGINS = "ansible_collections.mcp.orchestrator.plugins"


def found(name: str, folder: Path) -> ModuleSpec | None:
    return CompiledOnce().find_spec(name, [str(folder)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "answer.py").write_text("ANSWER = 42\n")
    (tmp_path / "part").mkdir()
    (tmp_path / "part/__init__.py").touch()
    return tmp_path


def test_what_is_imported_is_kept_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    spec = found(f"{PLUGINS}.module_utils.answer", folder)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (module.ANSWER, Path(importlib.util.cache_from_source(folder / "answer.py")).exists()) == (42, True)


def test_packages_of_what_modules_share_are_found(folder: Path) -> None:
    spec = found(f"{PLUGINS}.module_utils.part", folder)
    assert spec is not None
    assert spec.submodule_search_locations == [str(folder / "part")]


@pytest.mark.parametrize(
    "name",
    [
        f"{PLUGINS}.module_utils.nowhere",
        f"{PLUGINS}.action.answer",
        "ansible_collections.mcp.other.plugins.module_utils.answer",
    ],
)
def test_everything_else_is_left_to_others(name: str, folder: Path) -> None:
    assert found(name, folder) is None
