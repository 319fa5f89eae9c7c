"""docs/clients.md says of clients' files and keys what the reader makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.document import ROOTS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import (
    CLIENT_KEYS,
    ENTRY,
    PRIVATE_KEYS,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver

from docs.clients import ELSEWHERE, NOT_READ, PAGE, READ, SWITCHES, WITHOUT_EFFECT, ClientFile, becomes, page

# A value of the right form, where any text would be none.
VALUES: dict[str, Any] = {
    "disabledTools": ["a"], "excludeTools": ["a"], "includeTools": ["a"], "tools": ["*"],
    "disabled": False, "enabled": True, "isActive": True, "registryUrl": "https://registry.npmmirror.com",
}  # fmt: skip


def read(path: Path, text: str) -> Fleet:
    path.write_text(text, encoding="utf-8")
    return read_fleet([str(path)], None, b"k" * 32, EmptyResolver())


def under(root: tuple[str, ...], servers: Any) -> str:
    for key in reversed(root):
        servers = {key: servers}
    return json.dumps(servers)


def test_the_page_is_what_is_declared() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs"


@pytest.mark.parametrize("file", READ, ids=lambda each: each.client)
def test_a_server_of_each_clients_file_is_read(file: ClientFile, tmp_path: Path) -> None:
    root = tuple(file.root.split("."))
    assert root in ROOTS
    fleet = read(tmp_path / "mcp.json", under(root, {"time": {"command": "npx", "args": ["-y", "time-mcp@1.0.0"]}}))
    assert [spec.name for spec in fleet.specs] == ["time"]
    assert not fleet.errors


@pytest.mark.parametrize("file", READ, ids=lambda each: each.client)
def test_each_key_that_a_client_has_of_its_own_is_known(file: ClientFile) -> None:
    assert set(file.keys.split()) <= set(ENTRY.keys)


@pytest.mark.parametrize(("client", "sample"), [(each[0], each[3]) for each in NOT_READ])
def test_a_file_that_is_not_read_is_refused(client: str, sample: str, tmp_path: Path) -> None:
    del client
    with pytest.raises(ConfigFileError):
        read(tmp_path / "mcp.json", sample)


@pytest.mark.parametrize(("key", "value"), [each[1:] for each in SWITCHES])
def test_a_key_beside_the_servers_that_switches_one_off_is_heeded(key: str, value: Any, tmp_path: Path) -> None:
    servers = {name: {"command": "npx", "args": ["-y", f"{name}-mcp@1.0.0"]} for name in ("time", "others")}
    beside = {"mcp": {key.removeprefix("mcp."): value}} if key.startswith("mcp.") else {key: value}
    fleet = read(tmp_path / "mcp.json", json.dumps({"mcpServers": servers, **beside}))
    assert {spec.name: spec.enabled for spec in fleet.specs}["time"] is False


@pytest.mark.parametrize("root", [root for _client, root in ELSEWHERE])
def test_servers_that_are_kept_elsewhere_are_named_and_not_read(root: tuple[str, ...], tmp_path: Path) -> None:
    plain = {"command": "npx", "args": ["-y", "time-mcp@1.0.0"]}
    text = json.loads(under(root, {"elsewhere": plain}))
    fleet = read(tmp_path / "mcp.json", json.dumps({**text, "mcpServers": {"time": plain}}))
    assert [spec.name for spec in fleet.specs] == ["time"]
    assert any("'elsewhere'" in warning for warning in fleet.warnings)


@pytest.mark.parametrize("key", [*CLIENT_KEYS, *PRIVATE_KEYS, *WITHOUT_EFFECT])
def test_a_key_without_an_effect_changes_nothing_and_is_told(key: str, tmp_path: Path) -> None:
    plain = {"command": "npx", "args": ["-y", "time-mcp@1.0.0"]}
    without = read(tmp_path / "without.json", under(("mcpServers",), {"time": plain}))
    entry = {**plain, key: VALUES.get(key, "hunter2-text")}
    fleet = read(tmp_path / "mcp.json", under(("mcpServers",), {"time": entry}))
    assert fleet.specs == without.specs
    assert any(note.startswith(f"{key}: ") or key in note.partition(":")[0] for note in fleet.explain["time"])
    if key in CLIENT_KEYS:
        assert "exported to clients" in becomes(key)
        assert key in fleet.clients["time"]
    elif key in PRIVATE_KEYS:
        assert "never shown" in becomes(key)
        assert "hunter2" not in repr(fleet)


def test_the_list_of_keys_is_complete() -> None:
    rows = [line.split(" | ")[0].strip("| `") for line in page().partition("## Keys of an entry")[2].splitlines()]
    assert set(ENTRY.keys) - {"orchestrator"} <= set(rows)
