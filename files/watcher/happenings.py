"""What the watcher saw happen to servers, between runs: see ``records.happenings``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from records.happenings import FOLDER
from records.line import REMARK, harmless, head
from records.moment import text_of

from .disk import Disk
from .segment_writer import DIRECTORY_MODE, SegmentWriter

SIZE = 256 * 1024
"""Bytes that are kept of each server."""


class Happenings:
    """Keeps them by server below ``directory``."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory / FOLDER
        self._disk = disk
        self._servers: dict[str, SegmentWriter] = {}

    def tell(self, server: str, event: str, text: str, details: Mapping[str, Any]) -> None:
        """Keeps something that has just happened to a server."""
        if not server:
            return
        writer = self._servers.get(server)
        if writer is None:
            self._directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
            writer = self._servers[server] = SegmentWriter(self._directory / server, SIZE, self._disk)
        plain = harmless(text.encode()).decode()
        said = json.dumps({"event": event, "text": plain, "details": dict(details)})
        writer.write(head(text_of(time.time_ns()), REMARK, "") + said.encode() + b"\n")
