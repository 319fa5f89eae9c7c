# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a file is replaced, and what becomes of the former one when that fails."""

from __future__ import annotations

import errno
import grp
import json
import os
import resource
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.common import atomic_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import GROUP_READABLE, FileNotWritten


def write_json(path: str, document: dict[str, Any]) -> None:
    atomic_file.write_json(path, document, GROUP_READABLE)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_file_is_for_its_owner_and_group_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "state.json"
    old_umask = os.umask(umask)
    try:
        write_json(str(path), {"version": 1, "name": "zürich"})
    finally:
        os.umask(old_umask)
    assert json.loads(path.read_text()) == {"version": 1, "name": "zürich"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["state.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_group_that_may_read_it_has_it_before_it_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    seen: list[tuple[int, int]] = []
    for call in ("fchown", "fchmod", "fsync"):
        real = getattr(os, call)

        def noted(descriptor: int, *arguments: int, real: Any = real) -> None:
            real(descriptor, *arguments)
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode):
                seen.append((found.st_gid, stat.S_IMODE(found.st_mode)))

        monkeypatch.setattr(os, call, noted)
    atomic_file.write_json(str(path), {}, GROUP_READABLE, "nogroup")
    monkeypatch.undo()
    nogroup = grp.getgrnam("nogroup").gr_gid
    assert seen == [(nogroup, 0o600), (nogroup, 0o640), (nogroup, 0o640)]
    assert (path.stat().st_uid, path.stat().st_gid) == (os.geteuid(), nogroup)


def test_without_the_group_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotWritten, match=r"there is no group 'no-such-group' to read it; run setup\.sh"):
        atomic_file.write_json(str(tmp_path / "state.json"), {}, GROUP_READABLE, "no-such-group")
    assert os.listdir(tmp_path) == []


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_json(str(path), {"number": -1, "padding": ""})
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            seen.append(json.loads(path.read_text())["number"])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        write_json(str(path), {"number": number, "padding": "x" * 50_000})
    done.set()
    reader.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 1


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_a_full_disk_leaves_the_former_state_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "state.json"
    write_json(str(path), {"former": True})

    def full(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(FileNotWritten) as caught:
        write_json(str(path), {"former": False})
    monkeypatch.undo()
    assert str(caught.value) == (
        f"{path}: cannot be written: no space is left in {tmp_path}; make room and run again; the former one is kept"
    )
    assert json.loads(path.read_text()) == {"former": True}
    assert os.listdir(tmp_path) == ["state.json"]


def test_a_write_that_really_breaks_off_leaves_the_former_state(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_json(str(path), {"former": True})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(FileNotWritten, match="File too large; the former one is kept"):
            write_json(str(path), {"former": False, "padding": "x" * 100_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert json.loads(path.read_text()) == {"former": True}
    assert os.listdir(tmp_path) == ["state.json"]


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotWritten, match=f"{tmp_path}/none is not a directory; create it and run again"):
        write_json(str(tmp_path / "none" / "state.json"), {})


def test_a_directory_in_the_files_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    with pytest.raises(FileNotWritten, match="a directory is in its place"):
        write_json(str(tmp_path / "state.json"), {})
    assert os.listdir(tmp_path) == ["state.json"]


def test_a_directory_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    write_json(str(path), {"former": True})

    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(FileNotWritten, match="cannot be written to"):
        write_json(str(path), {})
    assert json.loads(path.read_text()) == {"former": True}
