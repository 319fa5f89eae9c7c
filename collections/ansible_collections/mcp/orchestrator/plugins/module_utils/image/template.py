# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runtime templates: folders with a Dockerfile, and the build context that a recipe makes of one."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError

# The file that says what to install, in the form of the runtime's own tool.
_LISTS = {"node": "packages.txt", "python": "requirements.txt"}


@dataclass(frozen=True)
class Template:
    """One runtime's template: its files, and the base image that it builds on."""

    runtime: str
    base: str
    files: Mapping[str, bytes]

    def digest(self, recipe: Recipe) -> str:
        """Returns what changes with the template, its base's name or the recipe, and with nothing else."""
        digest = hashlib.sha256(f"{self.base}\0{json.dumps(recipe.to_dict(), sort_keys=True)}\0".encode())
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:16]

    def context(self, recipe: Recipe) -> bytes:
        """Returns the build context of a recipe as a tar; the same bytes for the same recipe."""
        files = {
            **self.files,
            "recipe.json": json.dumps(recipe.to_dict(), sort_keys=True).encode(),
            _LISTS[self.runtime]: "".join(f"{each}\n" for each in _packages(recipe)).encode(),
        }
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            for name, content in sorted(files.items()):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, io.BytesIO(content))
        return context.getvalue()


def _packages(recipe: Recipe) -> list[str]:
    version = recipe.version or ""
    joint = "@" if recipe.runtime == "node" and version else ""
    options = ["--pre"] if recipe.prerelease else []
    return [*options, f"{recipe.package}{joint}{version}", *recipe.also]


def read_template(folder: str, runtime: str, base: str) -> Template:
    """Reads ``folder/runtime``. Raises ImageError when it is not there."""
    path = os.path.join(folder, runtime)
    try:
        names = sorted(name for name in os.listdir(path) if not name.startswith("."))
        files = {name: _content(os.path.join(path, name)) for name in names if os.path.isfile(os.path.join(path, name))}
    except OSError as error:
        raise ImageError(f"the runtime template {path} cannot be read: {error.strerror}; run setup.sh again") from error
    if "Dockerfile" not in files or runtime not in _LISTS:
        raise ImageError(f"{path} is not a runtime template: it has no Dockerfile; run setup.sh again")
    return Template(runtime, base, files)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
