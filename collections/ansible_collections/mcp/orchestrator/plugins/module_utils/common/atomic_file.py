# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are replaced in one step: a reader sees the former file or the new one, whole, even after a crash."""

from __future__ import annotations

import contextlib
import errno
import grp
import json
import os
import tempfile
from collections.abc import Mapping
from typing import Any

OWNER_ONLY = 0o600
GROUP_READABLE = 0o640
READABLE = 0o644


class FileNotWritten(Exception):
    """The file could not be written; the former one is unchanged. The message names the file and the way out."""


def replace_file(path: str, content: bytes, mode: int, group_id: int = -1, owner_id: int = -1) -> None:
    """Replaces a file in one step, and puts the new one on the disk before it takes the place of the former.

    The new file belongs to ``owner_id`` and ``group_id``, or to those of the process where they are -1. At no moment
    is it open to more than ``mode`` says. Raises OSError; the former file is then unchanged and nothing is left beside
    it.
    """
    folder = os.path.dirname(path) or "."
    temporary = None
    try:
        # mkstemp makes files that only their owner can read, whatever the umask.
        descriptor, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if (owner_id, group_id) != (-1, -1):
                os.fchown(descriptor, owner_id, group_id)  # before others may read it at all
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(temporary, path)
        temporary = None
        _sync_folder(folder)
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write_json(
    path: str, document: Mapping[str, Any], mode: int, group: str | None = None, *, indent: int | None = 2
) -> None:
    """Replaces a file with a JSON document, as ``replace_file`` does; ``group`` is the name of a group of this host.

    Raises FileNotWritten with the file, the reason and the way out.
    """
    content = (json.dumps(document, indent=indent, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    try:
        replace_file(path, content, mode, -1 if group is None else grp.getgrnam(group).gr_gid)
    except KeyError as error:
        reason = f"there is no group '{group}' to read it; run setup.sh, which creates it"
        raise FileNotWritten(f"{path}: cannot be written: {reason}; the former one is kept") from error
    except OSError as error:
        reason = reason_of(error, os.path.dirname(path) or ".")
        raise FileNotWritten(f"{path}: cannot be written: {reason}; the former one is kept") from error


def _sync_folder(folder: str) -> None:
    """Puts the new name itself on the disk; rename(2) alone does not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason_of(error: OSError, folder: str) -> str:
    """Returns why a file could not be written into a folder, with the way out."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space is left in {folder}; make room and run again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{folder} cannot be written to ({error.strerror}); check its owner, mode and mount"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{folder} is not a directory; create it and run again"
    if error.errno == errno.EISDIR:
        return "a directory is in its place; move it away and run again"
    return error.strerror or str(error)
