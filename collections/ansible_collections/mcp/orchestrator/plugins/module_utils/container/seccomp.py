# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profile of system calls that servers' containers get, and what of it an engine takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIGEST_CHARACTERS = 12


class ProfileError(ValueError):
    """A profile that cannot be used; the sentence says why and what to do."""


@dataclass(frozen=True)
class Profile:
    """A profile as ``path`` on the host holds it; ``digest`` names its content where the content is too long."""

    path: str
    text: str = field(repr=False)
    digest: str = ""

    @classmethod
    def of(cls, path: str, text: str) -> Profile:
        """Reads a profile. Raises ProfileError."""
        try:
            compact = json.dumps(json.loads(text), separators=(",", ":"))
        except ValueError as error:
            reason = f"the seccomp profile {path} is not JSON: {error}"
            raise ProfileError(f"{reason}; install it again (setup.sh)") from error
        return cls(path, compact, hashlib.sha256(compact.encode()).hexdigest()[:DIGEST_CHARACTERS])


def names_its_own(host_config: Mapping[str, Any]) -> bool:
    """Returns whether an entry brings its own profile, or as a privileged one gets none."""
    options = host_config.get("SecurityOpt", ())
    return bool(host_config.get("Privileged")) or any(each.startswith(("seccomp=", "seccomp:")) for each in options)
