# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an image cannot be pulled, from what the engine says of it. Pure."""

from __future__ import annotations

_AUTH = ("unauthorized", "authentication required", "denied", "forbidden", "no basic auth")
_NETWORK = (
    "no such host",
    "connection refused",
    "timeout",
    "timed out",
    "i/o",
    "unreachable",
    "tls",
    "x509",
    "eof",
    "proxyconnect",
    "server misbehaving",
    "connection reset",
)
_NAME = ("manifest unknown", "not found", "does not exist", "invalid reference", "no such image", "repository name")


def pull_failure(reference: str, text: str) -> str:
    """Says of a failed pull whether it was the name, the credentials or the network, and what to do.

    Registries answer "denied" for a repository that does not exist, so that sentence names both.
    """
    lowered = text.lower()
    if "does not exist or may require" in lowered or "pull access denied" in lowered:
        way_out = (
            "the name is wrong, or the registry requires credentials: correct the image, or docker login on the host"
        )
    elif any(each in lowered for each in _AUTH):
        way_out = "the registry requires other credentials: docker login on the host"
    elif any(each in lowered for each in _NAME):
        way_out = "there is no such name or tag in the registry: correct the image in the config"
    elif any(each in lowered for each in _NETWORK):
        way_out = "the registry cannot be reached: check the host's network, DNS and proxy"
    elif "no space left" in lowered:
        way_out = "the disk is full: free some space (docker system df)"
    else:
        way_out = "see the engine's log (journalctl -u docker)"
    return f"image {reference} cannot be pulled: {text.strip()} — {way_out}"
