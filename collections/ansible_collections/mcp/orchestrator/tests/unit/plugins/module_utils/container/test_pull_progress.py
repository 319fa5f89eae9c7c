# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the log tells of a pull that takes its time."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.pull_progress import PullProgress

IMAGE = "ghcr.io/example/server:1"


class Pull:
    """A pull whose time a test lets pass, and the lines that were told."""

    def __init__(self) -> None:
        self.time = 100.0
        self.told: list[str] = []
        self.progress = PullProgress(IMAGE, self.told.append, lambda: self.time)

    def after(self, seconds: float, status: str, layer: str = "a", **detail: int) -> None:
        self.time += seconds
        line: dict[str, Any] = {"status": status, "id": layer, "progressDetail": detail}
        self.progress.feed(line)


def test_a_long_pull_is_told_every_few_seconds_with_what_all_layers_have() -> None:
    pull = Pull()
    pull.after(1, "Pulling fs layer")
    pull.after(1, "Downloading", current=10_000_000, total=40_000_000)
    pull.after(4, "Downloading", layer="b", current=2_000_000, total=60_000_000)
    pull.after(1, "Downloading", layer="b", current=30_000_000, total=60_000_000)
    pull.after(6, "Download complete", layer="a")
    pull.after(2, "Pull complete", layer="b")
    pull.progress.done()
    assert pull.told == [
        f"pulling {IMAGE}: 12 of 100 MB, 6 s so far",
        f"pulling {IMAGE}: 70 of 100 MB, 13 s so far",
        f"pulled {IMAGE} in 15 s",
    ]


def test_a_short_pull_is_not_told_of() -> None:
    pull = Pull()
    pull.after(2, "Downloading", current=1, total=2)
    pull.progress.done()
    assert pull.told == []


def test_an_engine_that_tells_no_sizes_is_told_of_all_the_same() -> None:
    pull = Pull()
    pull.progress.feed({})
    pull.after(7, "Downloading")
    assert pull.told == [f"pulling {IMAGE}: 7 s so far"]
