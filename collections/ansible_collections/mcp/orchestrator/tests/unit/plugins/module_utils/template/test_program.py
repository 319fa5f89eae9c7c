# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a template from the command line: from a file or a bundle into the folder of templates, or not at all."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import TemplateRegistry
from ansible_collections.mcp.orchestrator.plugins.module_utils.template import archive
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.program import main

SERVER = {
    "name": "io.github.acme/weather",
    "description": "Weather.",
    "version": "1.2.0",
    "packages": [
        {
            "registryType": "npm",
            "identifier": "@acme/weather",
            "version": "1.2.0",
            "transport": {"type": "stdio"},
            "environmentVariables": [{"name": "KEY", "isRequired": True, "description": "a key"}],
        }
    ],
}
MANIFEST = {
    "manifest_version": "0.3",
    "name": "notes",
    "description": "Notes.",
    "server": {"type": "node", "entry_point": "x.js", "mcp_config": {"command": "npx", "args": ["-y", "notes"]}},
}


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    return folder


def make(templates: Path, value: Any, *options: str) -> int:
    file = templates.parent / "server.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return main([str(file), "--to", str(templates), *options])


def bundle(templates: Path, *entries: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    path = templates.parent / "notes.mcpb"
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in entries:
            made.writestr(name, content)
    return path


def test_the_template_is_written_where_entries_find_it(templates: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(templates, SERVER) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{templates}/weather.json: weather@1\n  needs KEY: a key\n")
    assert 'an entry: {"weather": {"template": "weather@1", "env": {"KEY": "…"}}}' in told
    assert TemplateRegistry(str(templates)).names() == ["weather@1"]
    assert (templates / "weather.json").stat().st_mode & 0o777 == 0o644


def test_another_version_of_the_server_is_another_version_of_the_template(templates: Path) -> None:
    newer = json.loads(json.dumps(SERVER).replace("1.2.0", "2.0.0"))
    for value in (SERVER, newer, SERVER):
        assert make(templates, value) == 0
    found = json.loads((templates / "weather.json").read_text())["versions"]
    assert [each["args"][1] for each in found.values()] == ["@acme/weather@1.2.0", "@acme/weather@2.0.0"]


def test_a_template_of_the_release_is_left_alone(
    templates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "weather.json").write_text("{}")
    assert make(templates, SERVER, "--shipped", str(shipped)) == 1
    assert "give yours another name: NAME=" in capsys.readouterr().err
    assert make(templates, SERVER, "--shipped", str(shipped), "--name", "mine") == 0
    assert [each.name for each in templates.iterdir()] == ["mine.json"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "server.json: line 1, column 1: is not JSON"),
        ('{"name": "x", "name": "y"}', "server.json: 'name' is defined twice"),
        ("[" * 100_000, "server.json: is nested too deeply"),
        ('{"name": "a", "packages": [' * 450 + "]}" * 450, "server.json: is nested too deeply"),
        (json.dumps({**SERVER, "packages": []}), "server.json: packages: is missing"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(
    templates: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    assert make(templates, text) == 1
    told = capsys.readouterr()
    assert said in told.err
    assert not told.out
    assert not list(templates.iterdir())


def test_a_file_that_there_is_not_is_told(templates: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(templates / "none.json"), "--to", str(templates)]) == 1
    assert capsys.readouterr().err == "none.json: cannot be read: No such file or directory\n"


def test_a_name_is_no_path(templates: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(templates, SERVER, "--name", "../weather") == 1
    assert "'../weather' is not the name of a template" in capsys.readouterr().err


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_manifest_is_read_out_of_a_bundle(templates: Path, compression: int) -> None:
    path = bundle(
        templates, ("manifest.json", json.dumps(MANIFEST).encode()), ("../evil", b"x"), compression=compression
    )
    before = set(templates.parent.rglob("*"))
    assert main([str(path), "--to", str(templates)]) == 0
    assert set(templates.parent.rglob("*")) - before == {templates / "notes.json"}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((("x", b""),), "has no manifest.json at its top"),
        ((("a/manifest.json", b"{}"),), "has no manifest.json at its top"),
        ((("manifest.json", b" " * (archive.LARGEST_MANIFEST + 1)),), "has a manifest.json of more than 1 MiB"),
        ((("manifest.json", b"\xff"),), "has a manifest.json that is not UTF-8 (byte 0)"),
        ((("manifest.json", b"{"),), "is not JSON"),
    ],
)
def test_a_bundle_without_a_manifest_is_told(
    templates: Path, capsys: pytest.CaptureFixture[str], entries: Any, said: str
) -> None:
    assert main([str(bundle(templates, *entries)), "--to", str(templates)]) == 1
    assert said in capsys.readouterr().err


def test_of_two_manifests_none_is_taken(templates: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = bundle(templates, ("manifest.json", b"{}"), ("manifest.json", json.dumps(MANIFEST).encode()))
    assert main([str(path), "--to", str(templates)]) == 1
    assert "has more than one manifest.json" in capsys.readouterr().err


def test_a_directory_without_end_is_not_read(templates: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bundle(templates, ("manifest.json", json.dumps(MANIFEST).encode()))
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\5\6")
    struct.pack_into("<HH", content, at + 8, 65535, 65535)
    path.write_bytes(content)
    assert main([str(path), "--to", str(templates)]) == 1
    assert "more than 50000 files" in capsys.readouterr().err


@pytest.mark.parametrize("cut", [5, 40, 120])
def test_a_bundle_that_is_cut_off_is_told(templates: Path, capsys: pytest.CaptureFixture[str], cut: int) -> None:
    path = bundle(templates, ("manifest.json", json.dumps(MANIFEST).encode()))
    path.write_bytes(path.read_bytes()[:-cut])
    assert main([str(path), "--to", str(templates)]) == 1
    assert "notes.mcpb" in capsys.readouterr().err
