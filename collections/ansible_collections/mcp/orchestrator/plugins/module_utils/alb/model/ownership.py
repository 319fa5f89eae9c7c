# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How this fleet's rules and target groups are told from everybody else's.

Tags prove it: nothing is ever changed or deleted that does not bear the fleet's name and the listener's ARN. A target
group's name is derived from what it must be, so that four describe calls are enough to find everything in its place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# A target group's name: at most 32 letters, digits and hyphens, no hyphen at either end, see Name on
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html.
NAME_LENGTH = 32
DIGEST_LENGTH = 8
FLEET_LENGTH = 12

TAG_FLEET = "mcp_fleet"
TAG_LISTENER = "mcp_listener"
TAG_SERVICE = "mcp_service"
TAG_PATH = "mcp_path"
TAG_URL = "mcp_url"
# The mark of an OpenID Connect client secret, which the service takes and never tells.
TAG_SECRET = "mcp_secret"  # noqa: S105 - a tag's name
TAG_ATTRIBUTES = "mcp_attributes"
# What the tag of a host's ports says where there are none.
NO_PORTS = "none"


def digest(value: Any, length: int = DIGEST_LENGTH) -> str:
    """Hashes plain data to so many hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def slug(text: str) -> str:
    """Returns what a target group's name may hold of a text: letters, digits and single hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


@dataclass(frozen=True)
class Owner:
    """A fleet on a listener, seen from one host (``target_id``: its instance id or address)."""

    fleet: str
    listener_arn: str
    target_id: str

    @property
    def tags(self) -> dict[str, str]:
        """The tags that prove ownership."""
        return {TAG_FLEET: self.fleet, TAG_LISTENER: self.listener_arn}

    @property
    def port_tag(self) -> str:
        """The tag on a target group that says which ports of this host are registered in it."""
        return f"mcp_port_{self.target_id}"

    @property
    def last_applied_tag(self) -> str:
        """The tag that says that this host's last run left everything in the desired state, and what that was."""
        return f"mcp_last_applied_{self.target_id}"

    def owns(self, tags: Mapping[str, str] | None) -> bool:
        """Returns whether these tags prove that a rule or target group is ours."""
        return tags is not None and all(tags.get(key) == value for key, value in self.tags.items())

    def group_name(self, server: str, immutable: Any) -> str:
        """Returns a server's target group's name: fleet, server, and a digest of what its targets must agree on."""
        fleet = slug(self.fleet)[:FLEET_LENGTH].strip("-") or "mcp"
        mark = digest([self.fleet, self.listener_arn, server, immutable])
        room = NAME_LENGTH - len(fleet) - len(mark) - 2
        middle = slug(server)[:room].strip("-")
        return "-".join(part for part in (fleet, middle, mark) if part)

    def may_own_group(self, name: str) -> bool:
        """Returns whether a target group's name could be one of ours, so that its tags are worth reading."""
        fleet = slug(self.fleet)[:FLEET_LENGTH].strip("-") or "mcp"
        return re.fullmatch(rf"{re.escape(fleet)}-(.+-)?[0-9a-f]{{{DIGEST_LENGTH}}}", name) is not None
