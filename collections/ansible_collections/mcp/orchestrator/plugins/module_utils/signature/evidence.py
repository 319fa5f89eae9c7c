# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was verified before: kept with its signature, so that it is verified again and not believed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import OWNER_ONLY, replace_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.cosign import Signature


@dataclass(frozen=True)
class Evidence:
    """The digest that an image's name stood for, and the signature of that image."""

    digest: str
    signature: Signature


def read_evidence(folder: str, subject: str) -> Evidence | None:
    """Returns what is known of a subject, an image's name and a key; None where nothing readable is."""
    try:
        with open(_path(folder, subject), encoding="ascii") as file:
            kept = json.load(file)
        return Evidence(kept["digest"], Signature(base64.b64decode(kept["payload"]), kept["signature"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_evidence(folder: str, subject: str, evidence: Evidence) -> None:
    """Writes it as a whole or not at all. Raises OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    kept = {
        "subject": subject,
        "digest": evidence.digest,
        "payload": base64.b64encode(evidence.signature.payload).decode(),
        "signature": evidence.signature.signature,
    }
    replace_file(_path(folder, subject), json.dumps(kept).encode("ascii"), OWNER_ONLY)


def forget_others(folder: str, subjects: set[str]) -> None:
    """Removes what is kept of subjects that nobody names any more."""
    wanted = {os.path.basename(_path(folder, subject)) for subject in subjects}
    with suppress(FileNotFoundError):
        for name in set(os.listdir(folder)) - wanted:
            os.unlink(os.path.join(folder, name))


def _path(folder: str, subject: str) -> str:
    return os.path.join(folder, f"{hashlib.sha256(subject.encode()).hexdigest()}.json")
