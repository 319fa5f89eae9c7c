# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import EngineUnreachable
from ansible_collections.mcp.orchestrator.plugins.module_utils.image import module as image_module
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_image
from docker.errors import ImageNotFound

NPX = Recipe("node", "x")
SERVER = Spec(name="x", image=NPX.image, build=NPX.to_dict()).to_dict()


class Empty:
    """An engine without images."""

    def inspect_image(self, name: str) -> Any:
        raise ImageNotFound(name)

    def images(self, filters: dict[str, Any]) -> list[Any]:
        return []


class Docker:
    """Where nothing answers but at its own socket."""

    local = True

    def __init__(self, address: str | None, timeout: int) -> None:
        if address:
            raise EngineUnreachable(f"no Docker engine answers at {address}")

    @contextmanager
    def client(self, what: str) -> Iterator[Empty]:
        yield Empty()

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_module, "DockerEngine", Docker)


def run(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        mcp_image.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_check_mode_says_what_would_be_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "Dockerfile").write_text("FROM x\n")
    result = run(capsys, servers=[SERVER], templates=str(tmp_path), _ansible_check_mode=True, _ansible_diff=True)
    assert result["changed"] is True
    assert result["images"][0]["action"] == "build"
    assert result["diff"]["after"] == f"{NPX.image}: built, because it is missing\n"
    # Warnings are kept for the whole process: those of other tests may be among them.
    assert set(yaml.safe_load(mcp_image.RETURN)) == set(result) - {"changed", "invocation", "warnings"}


def test_a_server_whose_signature_cannot_be_verified_is_left_out_and_the_others_are_returned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signed = Spec(name="signed", image="x/y", signature_key=str(tmp_path / "missing.pub")).to_dict()
    plain = Spec(name="plain", image="x/y").to_dict()
    options = {"templates": str(tmp_path), "signatures": str(tmp_path / "signatures")}
    result = run(capsys, servers=[signed, plain], **options)
    assert result["failed"] is True
    assert [server["name"] for server in result["servers"]] == ["plain"]
    assert "build" not in result["servers"][0]
    assert [error["server"] for error in result["errors"]] == ["signed"]


def test_errors_fail_the_module_with_all_its_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, servers=[SERVER], templates=str(tmp_path))
    assert result["failed"] is True
    assert [error["server"] for error in result["errors"]] == ["x"]
    assert result["images"] == []


def test_no_engine_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, servers=[SERVER], templates=str(tmp_path), docker_host="tcp://nowhere:1")
    assert result["failed"] is True
    assert result["msg"] == "no Docker engine answers at tcp://nowhere:1"
    assert result["errors"] == [{"server": None, "message": result["msg"]}]
