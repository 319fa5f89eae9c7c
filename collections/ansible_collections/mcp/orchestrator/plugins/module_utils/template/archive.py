# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest in an MCPB bundle, which is a zip file. Nothing of it is unpacked, and no path of it is used.

https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md
"""

from __future__ import annotations

import os
import struct
import zipfile
from typing import BinaryIO

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 1024 * 1024
MOST_FILES = 50_000
LARGEST_DIRECTORY = 16 * 1024 * 1024
# The end of a zip file's directory, and the longest comment behind it (APPNOTE.TXT, 4.3.16).
_END = struct.Struct("<4s4H2LH")
_SIGNATURE = b"PK\5\6"
_LONGEST_COMMENT = 65535
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_archive(path: str) -> bool:
    """Returns whether a file begins as a zip file does; raises OSError."""
    with open(path, "rb") as file:
        return file.read(4) in (b"PK\3\4", _SIGNATURE)


def manifest_text(path: str, label: str) -> str:
    """Returns the text of the bundle's manifest; raises ConfigFileError."""
    try:
        with open(path, "rb") as file:
            _check_directory(file)
            with zipfile.ZipFile(file) as archive:
                return _text(archive)
    except _Unusable as error:
        raise _error(label, str(error)) from None
    except (
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        raise _error(label, f"is no zip file that can be read: {error}") from None
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]
        raise _error(label, f"is damaged: {error}") from None


def _error(label: str, reason: str) -> ConfigFileError:
    return ConfigFileError([ConfigError(label, "", reason)])


class _Unusable(Exception):
    """Why a bundle is not read; the reason reads after its name."""


def _check_directory(file: BinaryIO) -> None:
    """Refuses a directory that would take much memory to read, which ``zipfile`` does as a whole."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _LONGEST_COMMENT - _END.size))
    tail = file.read()
    at = tail.rfind(_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise _Unusable("is no whole zip file: its end is missing")
    found = _END.unpack_from(tail, at)
    if found[4] > MOST_FILES or found[5] > LARGEST_DIRECTORY:
        raise _Unusable(f"has more than {MOST_FILES} files, the most that a bundle may have")
    file.seek(0)


def _text(archive: zipfile.ZipFile) -> str:
    found = [each for each in archive.infolist() if each.filename == MANIFEST]
    if len(found) != 1:
        raise _Unusable(f"has {'no' if not found else 'more than one'} {MANIFEST} at its top")
    entry = found[0]
    if entry.flag_bits & 0x1:
        raise _Unusable(f"has its {MANIFEST} encrypted")
    if entry.compress_type not in _PLAIN:
        raise _Unusable(f"has its {MANIFEST} compressed by other means than deflate")
    with archive.open(entry) as stream:
        content = stream.read(LARGEST_MANIFEST + 1)
    if len(content) > LARGEST_MANIFEST:
        raise _Unusable(f"has a {MANIFEST} of more than 1 MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unusable(f"has a {MANIFEST} that is not UTF-8 (byte {error.start})") from None
