"""The nine servers that are shipped to run side by side, and their verifications."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from verify.read import read_file

from tests.nine.here import CONFIG, ETC, FOLDERS, PROJECT, SECRETS, SRV, VERIFICATIONS, entries

NINE = ["fetch", "filesystem", "github", "memory", "monitoring", "n8n", "playwright", "postgres", "timescaledb"]


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Fleet]:
    """Reads a config whose folders and secrets are there, below another directory than on a host."""
    etc, srv = tmp_path / "etc", tmp_path / "srv"
    shutil.copytree(PROJECT / "files/templates", etc / "templates")
    shutil.copytree(FOLDERS, srv)
    (etc / "secrets").mkdir()
    for name in SECRETS:
        (etc / "secrets" / name).write_text("a2f1c07e93b4a2f1c07e93b4")
    (etc / "settings.conf").write_text(f"[security]\nhost_path_roots = {tmp_path}\n")
    for file in (etc / "templates").glob("*.json"):
        file.write_text(file.read_text().replace(SRV, f"{srv}/"))

    def read_text(text: str) -> Fleet:
        config = etc / "mcp.config.json"
        config.write_text(text.replace(ETC, f"{etc}/"))
        return read_fleet([str(config)], str(etc / "settings.conf"), b"k" * 32)

    return read_text


def test_the_shipped_file_of_nine_is_accepted_and_none_of_them_reaches_more_than_it_names(
    read: Callable[[str], Fleet],
) -> None:
    fleet = read(CONFIG.read_text())
    assert [str(each) for each in fleet.errors] + fleet.warnings == []
    assert sorted(spec.name for spec in fleet.specs) == NINE
    assert {spec.egress.kind for spec in fleet.specs} <= {EgressKind.NONE, EgressKind.HOSTS}
    assert all(spec.read_only and spec.memory for spec in fleet.specs)


def test_what_make_nine_brings_up_is_accepted_and_has_no_way_out(read: Callable[[str], Fleet], tmp_path: Path) -> None:
    fleet = read(json.dumps({"mcpServers": entries(tmp_path / "etc", tmp_path / "srv", "nine")}))
    assert [str(each) for each in fleet.errors] + fleet.warnings == []
    assert sorted(spec.name for spec in fleet.specs) == NINE
    assert {spec.egress.kind for spec in fleet.specs} == {EgressKind.NONE}


def test_each_of_the_nine_has_verifications_and_one_of_them_is_timed() -> None:
    suites = [read_file(file) for file in sorted(VERIFICATIONS.glob("*.yml"))]
    assert sorted(name for suite in suites for name in suite.servers) == NINE
    assert all(any(case.bench for case in suite.cases) for suite in suites)
