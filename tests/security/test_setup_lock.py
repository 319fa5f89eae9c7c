"""setup.sh takes its lock where nobody else can hold it, and stops before it does anything where that is not so."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
# In a view of the file system of its own: what it would make is gone with it, and nothing it needs to go on is there.
ALONE = """
mount -t tmpfs -o mode=755 tmpfs /run && mount -t tmpfs tmpfs /opt || exit 99
{before}
./setup.sh 2>&1
stat -c '%n %U %a' /run/mcp-orchestrator /run/mcp-orchestrator/run.lock 2>/dev/null
ls -A /opt
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="setup.sh needs root")


def set_up(folder: Path, before: str) -> str:
    for name in ("setup.sh", "requirements.lock", "files/settings.conf", "roles/requirements/files/requirements.sh"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    alone = ["unshare", "-m", "sh", "-c", ALONE.format(before=before)]
    return subprocess.run(alone, cwd=folder, capture_output=True, text=True, check=False, timeout=90).stdout


@pytest.mark.parametrize("umask", ["000", "022", "077"])
def test_the_lock_is_roots_alone(tmp_path: Path, umask: str) -> None:
    said = set_up(tmp_path, f"umask {umask}")
    assert "/run/mcp-orchestrator root 700\n" in said
    assert "/run/mcp-orchestrator/run.lock root 600\n" in said
    assert "the Python packages could not be installed" in said  # as far as it comes here


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("mkdir -m 0700 /run/mcp-orchestrator && chown nobody /run/mcp-orchestrator", "directory of nobody, mode 700"),
        ("mkdir -m 0755 /run/mcp-orchestrator", "directory of root, mode 755"),
        ("mkdir -m 0700 /run/there && ln -s /run/there /run/mcp-orchestrator", "symbolic link of root"),
        ("touch /run/mcp-orchestrator", "regular empty file of root"),
    ],
)
def test_a_lock_that_others_could_hold_ends_it_before_it_does_anything(tmp_path: Path, before: str, found: str) -> None:
    said = set_up(tmp_path, before)
    assert f"/run/mcp-orchestrator holds our locks and is not root's alone ({found}" in said
    assert "remove it, and run setup.sh again" in said
    assert "Python environment" not in said
