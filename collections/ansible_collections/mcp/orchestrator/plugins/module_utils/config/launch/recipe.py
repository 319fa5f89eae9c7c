# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the image of a server that is no image yet is built."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

REPOSITORY = "mcp-built"


@dataclass(frozen=True)
class Recipe:
    """A runtime template filled in: which package of which registry, and which of its programs is the server.

    ``version`` None is the newest at the time of the build. ``also`` are further packages, as the registry's own tool
    writes them. ``module`` is a Python module to run, ``file`` a file in the package; without them and ``executable``
    it is the package's only program. ``git`` says that the package comes from a git repository, ``prerelease``
    that pip takes versions before a release.
    """

    runtime: str
    package: str
    version: str | None = None
    also: tuple[str, ...] = ()
    executable: str | None = None
    module: str | None = None
    file: str | None = None
    git: bool = False
    prerelease: bool = False

    @property
    def image(self) -> str:
        """The name of the image that is built by it: the same for all servers that it is the same for."""
        canonical = json.dumps(self._facts(), sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:12]
        address = self.package.partition("://")[2]
        name = re.split(r"[@#]", address)[0].rstrip("/").rpartition("/")[2] if address else self.package
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower().removesuffix(".git")[:60]).strip("-")
        return f"{REPOSITORY}/{slug or self.runtime}:{digest}"

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data, which ``from_dict`` reads back."""
        return {**self._facts(), "also": list(self.also)}

    def _facts(self) -> dict[str, Any]:
        """The fields; later ones only where they say something, so that images keep their names."""
        facts = asdict(self)
        return facts if self.prerelease else {name: value for name, value in facts.items() if name != "prerelease"}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """Reads what ``to_dict`` wrote."""
        return cls(**{**data, "also": tuple(data.get("also", ()))})
