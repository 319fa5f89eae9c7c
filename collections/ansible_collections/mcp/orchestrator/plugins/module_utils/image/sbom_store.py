# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where bills of materials are kept: one file for each image, named by the image's id, for root alone."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from contextlib import suppress

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import OWNER_ONLY, replace_file

SUFFIX = ".cdx.json"
MOST_BYTES = 32 * 1024**2
_FILE = re.compile(r"([0-9a-f]{64})" + re.escape(SUFFIX))


def path_of(folder: str, identity: str) -> str:
    """Returns the file of the image with this id (``sha256:…``)."""
    return os.path.join(folder, f"{identity.rpartition(':')[2]}{SUFFIX}")


def keep(folder: str, identity: str, content: bytes) -> None:
    """Writes the file as a whole or not at all. Raises OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    replace_file(path_of(folder, identity), content, OWNER_ONLY)


def kept(folder: str) -> list[str]:
    """Returns the ids of the images that have a file."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(f"sha256:{match[1]}" for name in names if (match := _FILE.fullmatch(name)))


def forget(folder: str, identities: Collection[str]) -> None:
    """Removes the files of these images, and the folder with the last of them."""
    for identity in identities:
        with suppress(FileNotFoundError):
            os.unlink(path_of(folder, identity))
    with suppress(OSError):
        os.rmdir(folder)
