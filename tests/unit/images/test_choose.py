"""What the build of an image from PyPI does last."""

from __future__ import annotations

import importlib.util
import os
import stat
import sysconfig
from pathlib import Path

import pytest

CHOOSE = Path(__file__).parents[3] / "files/templates/runtimes/python/choose.py"


def test_programs_that_wheels_bring_along_can_be_run_and_other_files_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("choose", CHOOSE)
    assert spec is not None
    assert spec.loader is not None
    choose = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(choose)
    folder = tmp_path / "mcp_example" / "bin"
    folder.mkdir(parents=True)
    program, text = folder / "mcp-example", folder / "README"
    program.write_bytes(b"\x7fELF and more")
    text.write_text("not a program")
    for each in (program, text):
        each.chmod(0o644)
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path))
    choose.make_executable()
    assert os.access(program, os.X_OK)
    assert stat.S_IMODE(text.stat().st_mode) == 0o644
