# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which EC2 instance this host is, and where, in its own metadata service's words (version 2: a token first).

Source: "Use the Instance Metadata Service to access instance metadata" in the Amazon EC2 user guide,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html.
"""

from __future__ import annotations

import re
import urllib.error
import urllib.request

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError

METADATA = "http://169.254.169.254"
TIMEOUT = 2.0  # seconds; the service is on the host itself


def instance_id(metadata: str = METADATA) -> str:
    """Returns this host's instance id, such as i-0123456789abcdef0.

    Raises AlbError where there is no metadata service.
    """
    return _look_up(metadata, "instance-id", r"i-[0-9a-f]{8,17}", "instance id", "instance_id")


def private_address(metadata: str = METADATA) -> str:
    """Returns this host's private IPv4 address. Raises AlbError where there is no metadata service."""
    return _look_up(metadata, "local-ipv4", r"\d{1,3}(\.\d{1,3}){3}", "private address", "target_address")


def region(metadata: str = METADATA) -> str:
    """Returns the region that this host is in, such as eu-central-1.

    Raises AlbError where there is no metadata service.
    """
    return _look_up(metadata, "placement/region", r"[a-z]{2}(-[a-z]+)+-[0-9]+", "region", "region")


def _look_up(metadata: str, path: str, pattern: str, meaning: str, setting: str) -> str:
    way_out = f"set {setting} under [aws] in settings.conf"
    try:
        token = _ask(f"{metadata}/latest/api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        found = _ask(f"{metadata}/latest/meta-data/{path}", "GET", {"X-aws-ec2-metadata-token": token})
    except (OSError, UnicodeDecodeError) as error:
        raise AlbError(
            f"this host's {meaning} is not set, and cannot be read from its metadata service ({error}); {way_out}"
        ) from error
    if not re.fullmatch(pattern, found):
        raise AlbError(f"the metadata service gave no {meaning}; {way_out}")
    return found


def _ask(url: str, method: str, headers: dict[str, str]) -> str:
    # Never through a proxy: the address means this very host.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - a constant http address
    with opener.open(request, timeout=TIMEOUT) as answer:
        text: str = answer.read(1024).decode("ascii")
    return text.strip()
