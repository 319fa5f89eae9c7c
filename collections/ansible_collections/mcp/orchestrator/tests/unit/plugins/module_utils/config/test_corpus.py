# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configurations in the shapes that clients' documentation and servers' READMEs have, and what each becomes.

NAME.json is the config, NAME.settings.conf its settings where it needs some, NAME.expected.json what is expected: for
each spec what differs from a spec with nothing but a name and an image, and the exact text of every error and warning.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

CORPUS = Path(__file__).parent / "corpus"
CONFIGS = sorted(path for path in CORPUS.glob("*.json") if not path.name.endswith(".expected.json"))
ENVIRONMENT = {"TOKEN": "hunter2-from-the-environment", "DOMAIN": "example.com"}
_DERIVED = {"generation", "path", "health_path", "image"}


def read(config: Path, folder: Path) -> Fleet:
    shutil.copy(config, folder / "mcp.config.json")
    settings = config.with_suffix(".settings.conf")
    (folder / "settings.conf").write_bytes(settings.read_bytes() if settings.exists() else b"")
    shutil.copytree(CORPUS / "templates", folder / "templates")
    key = b"k" * 32
    return read_fleet(
        [str(folder / "mcp.config.json")], str(folder / "settings.conf"), key, Resolver(environment=ENVIRONMENT)
    )


def plain(spec: Spec) -> dict[str, Any]:
    """What differs from the defaults, apart from what follows from the name and the recipe."""
    silent = Spec(name=spec.name, image=spec.image, tmpfs=("/tmp",)).to_dict()
    facts: dict[str, Any] = {"name": spec.name}
    if spec.build is None:
        facts["image"] = spec.image
    for key, value in spec.to_dict().items():
        if key not in _DERIVED and value != silent[key]:
            facts[key] = sorted(value) if key == "env" else value
    if spec.build is not None:
        facts["build"] = {key: value for key, value in spec.build.items() if value}
    return facts


def outcome(config: Path, folder: Path) -> dict[str, Any]:
    try:
        fleet = read(config, folder)
    except ConfigFileError as error:
        return {"unusable": str(error).splitlines()}
    found = {
        "servers": [plain(spec) for spec in fleet.specs],
        "remotes": [remote.to_dict() for remote in fleet.remotes],
        "clients": fleet.clients,
        "errors": [str(error) for error in fleet.errors],
        "warnings": fleet.warnings,
    }
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: str(path.stem))
def test_a_config_becomes_what_is_expected(config: Path, tmp_path: Path) -> None:
    expected = json.loads(config.with_suffix(".expected.json").read_text())
    assert outcome(config, tmp_path) == expected


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: str(path.stem))
def test_no_secret_of_a_config_is_shown(config: Path, tmp_path: Path) -> None:
    if "unusable" in (told := outcome(config, tmp_path)):
        assert "hunter2" not in str(told)
        return
    (tmp_path / "again").mkdir()
    fleet = read(config, tmp_path / "again")
    shown = [repr(fleet), report(fleet), json.dumps([spec.to_dict() for spec in fleet.specs])]
    shown += [*map(str, fleet.errors), *fleet.warnings, json.dumps(fleet.explain), json.dumps(fleet.clients)]
    shown += [json.dumps([remote.to_dict() for remote in fleet.remotes])]
    assert not [text for text in shown if "hunter2" in text]


def test_the_corpus_is_large_and_no_two_are_alike() -> None:
    assert len(CONFIGS) >= 60
    twins = [path for path in CONFIGS if path.with_suffix(".settings.conf").exists()]
    texts = [path.read_text() for path in CONFIGS if path not in twins]
    assert len(set(texts)) == len(texts)


def test_an_image_that_is_built_is_named_after_its_recipe(tmp_path: Path) -> None:
    fleet = read(CORPUS / "npx-pinned.json", tmp_path)
    (spec,) = fleet.specs
    assert spec.build is not None
    assert spec.image == Recipe.from_dict(spec.build).image
    assert spec.image.startswith("mcp-built/upstash-context7-mcp:")
