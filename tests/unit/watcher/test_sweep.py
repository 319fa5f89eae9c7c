"""Records of servers that are gone do not stay for ever."""

from __future__ import annotations

import os
from pathlib import Path

from watcher.sweep import sweep


def test_only_servers_of_which_nothing_was_written_for_long_are_removed(tmp_path: Path) -> None:
    for name, times in {"gone": (100, 200), "quiet": (100, 900), "new": ()}.items():
        (tmp_path / name).mkdir()
        for number, written in enumerate(times):
            file = tmp_path / name / f"{number}.log"
            file.write_text("x")
            os.utime(file, (written, written))
        os.utime(tmp_path / name, (900 if name == "new" else 100,) * 2)
    (tmp_path / "latest.json").write_text("{}")
    os.utime(tmp_path / "latest.json", (100, 100))
    sweep(tmp_path, before=500)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.json", "new", "quiet"]


def test_nothing_to_sweep_is_no_error(tmp_path: Path) -> None:
    sweep(tmp_path / "none", before=500)
