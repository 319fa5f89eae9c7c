"""Whose the files are that make leaves in a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
OWNER = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave files that others cannot write")
def test_what_root_makes_in_a_checkout_is_its_owners(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "requirements-audit.lock").touch()
    venv = tmp_path / "roles" / "software" / "files" / "make_venv.sh"
    venv.parent.mkdir(parents=True)
    venv.write_text('#!/bin/sh\nmkdir -p "$1/bin"\nln -s /bin/true "$1/bin/python"\n')
    venv.chmod(0o755)
    os.chown(tmp_path, OWNER, OWNER)
    before = os.stat("/bin/true")
    subprocess.run(["make", "-C", tmp_path, "audit"], check=True, capture_output=True)
    made = [tmp_path / "build", *(tmp_path / "build").rglob("*")]
    assert {(each.lstat().st_uid, each.lstat().st_gid) for each in made} == {(OWNER, OWNER)}
    assert os.stat("/bin/true").st_uid == before.st_uid
