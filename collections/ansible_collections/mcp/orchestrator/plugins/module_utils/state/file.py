# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import errno
import grp
import json
import os
import tempfile
from collections.abc import Mapping
from typing import Any

READABLE = 0o644
# The report names servers, errors and addresses, which are only for those who may see the monitor.
GROUP_READABLE = 0o640


class FileNotWritten(Exception):
    """The file could not be written; the former one is as it was."""


def write_json(path: str, document: Mapping[str, Any], mode: int, group: str | None = None) -> None:
    """Replace a file in one step: a reader sees the former file or the new one, whole, even after a crash.

    The new one belongs to ``group``, or to that of the process, and is at no moment open to more than ``mode`` says.
    Raises FileNotWritten with the file, the reason and the way out.
    """
    folder = os.path.dirname(path) or "."
    content = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if group is not None:
                os.fchown(descriptor, -1, grp.getgrnam(group).gr_gid)  # before others may read it at all
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(temporary, path)
        temporary = None
        _flush(folder)
    except KeyError as error:
        reason = f"there is no group '{group}' to read it; run setup.sh, which makes it"
        raise FileNotWritten(f"{path}: cannot be written: {reason}; the former one is kept") from error
    except OSError as error:
        raise FileNotWritten(f"{path}: cannot be written: {_reason(error, folder)}; the former one is kept") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _flush(folder: str) -> None:
    """Put the new name itself on the disk; rename(2) alone does not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError, folder: str) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space is left in {folder}; make room and run again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{folder} does not let us write ({error.strerror}); see its owner, mode and mount"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{folder} is no directory; make it and run again"
    if error.errno == errno.EISDIR:
        return "a directory is in its place; move it away and run again"
    return error.strerror or str(error)
