"""The templates that are shipped, as the reader of configs takes them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import TemplateRegistry

FILES = Path(__file__).parents[3] / "files"
SHIPPED = TemplateRegistry(str(FILES / "templates"))
# What the host has to have: a folder below those that servers may mount.
FOLDERS = ("filesystem", "memory", "postgres", "timescaledb")


@pytest.mark.parametrize("name", SHIPPED.names())
def test_an_entry_of_each_template_needs_nothing_but_what_the_template_says(name: str, tmp_path: Path) -> None:
    """Placeholders are what a user writes for it, and folders are there."""
    version = SHIPPED.template(name.partition("@")[0])["versions"][name.partition("@")[2]]
    templates = tmp_path / "templates"
    shutil.copytree(FILES / "templates", templates)
    for folder in FOLDERS:
        (tmp_path / "srv" / folder).mkdir(parents=True)
    for file in templates.glob("*.json"):
        file.write_text(file.read_text().replace("/srv/mcp/", f"{tmp_path}/srv/"))
    (tmp_path / "settings.conf").write_text(f"[security]\nhost_path_roots = {tmp_path}\n")
    entry = {"template": name, "env": dict.fromkeys(version.get("required_env", {}), "a2f1c07e93b4")}
    config = tmp_path / "mcp.config.json"
    config.write_text(json.dumps({"mcpServers": {"made": entry}}))

    fleet = read_fleet([str(config)], str(tmp_path / "settings.conf"), b"k" * 32)

    assert [str(each) for each in fleet.errors] + fleet.warnings == []
    assert [spec.template for spec in fleet.specs] == [name]
