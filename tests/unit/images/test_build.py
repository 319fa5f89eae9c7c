"""What makes an image's recipe, and what is said when it fails."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from images import build


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three recipes of our own: server is built from base, other from nothing of ours."""
    dockerfiles = {
        "base": "FROM scratch\n",
        "server": "FROM test/base AS a\nFROM test/base\n",
        "other": "FROM debian\n",
    }
    for name, text in dockerfiles.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(text, encoding="utf-8")
    monkeypatch.setattr(build, "RECIPES", {f"test/{name}": tmp_path / name for name in dockerfiles})
    return tmp_path


def digests() -> dict[str, str]:
    return {image: build.recipe_digest(image) for image in build.RECIPES}


@pytest.mark.usefixtures("recipes")
def test_a_base_is_named_once_and_only_when_it_is_ours() -> None:
    assert build.bases("test/server") == ["test/base"]
    assert build.bases("test/other") == []


def test_a_change_of_a_base_changes_what_is_built_from_it_and_nothing_else(recipes: Path) -> None:
    before = digests()
    (recipes / "base" / "Dockerfile").write_text("FROM scratch\nENV A=1\n", encoding="utf-8")
    after = digests()
    assert {image for image in before if before[image] != after[image]} == {"test/base", "test/server"}


def test_a_renamed_file_changes_the_recipe(recipes: Path) -> None:
    (recipes / "other" / "server.py").write_text("", encoding="utf-8")
    before = digests()
    (recipes / "other" / "server.py").rename(recipes / "other" / "main.py")
    assert digests()["test/other"] != before["test/other"]


def test_every_recipe_has_a_folder_that_says_how_to_build_it() -> None:
    for image, folder in build.RECIPES.items():
        assert (folder / "Dockerfile").is_file() or (folder / "bootstrap.sh").is_file(), image


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("Step 1\n\x1b[91mERROR: No match for x\n\x1b[0mThe command returned 1\n", "ERROR: No match for x"),
        ("npm error code E404\nnpm error 404 Not Found\nThe command returned 1", "npm error 404 Not Found"),
        ("I: running\nE: no Release file.\nE: mmdebstrap failed to run\n", "E: no Release file."),
        ("Step 1\nno space left on device\n\n", "no space left on device"),
        ("", "it failed without output"),
    ],
)
def test_the_reason_is_the_packager_s_own_first_complaint(log: str, reason: str) -> None:
    assert build.reason(log) == reason


def test_an_image_without_a_recipe_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["mcp-sample/nothing:1"]) == 1
    assert "no recipe for mcp-sample/nothing:1; there are mcp-base/debian:12" in capsys.readouterr().err


@pytest.mark.parametrize(("has_apt", "is_pulled"), [(True, False), (False, True)])
def test_a_machine_without_apt_takes_the_root_of_debian_from_a_registry(
    monkeypatch: pytest.MonkeyPatch, has_apt: bool, is_pulled: bool
) -> None:
    ran: list[tuple[list[str], str | None]] = []

    def run(argv: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        ran.append((argv, given.get("input")))
        return subprocess.CompletedProcess(argv, 0)

    monkeypatch.setattr(build.shutil, "which", lambda _name: "/usr/bin/apt-get" if has_apt else None)
    monkeypatch.setattr(build.subprocess, "run", run)
    build.build("mcp-base/debian:12")
    pulled = [(argv[-1], given) for argv, given in ran if argv[:2] == ["docker", "build"]]
    assert pulled == ([("-", build.PULLED)] if is_pulled else [])
