# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects are called, and the labels by which they are known as a fleet's.

Names follow https://kubernetes.io/docs/concepts/overview/working-with-objects/names/: a Service's is the strictest, a
label of RFC 1035. Values of labels follow
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set.
"""

from __future__ import annotations

import hashlib
import re

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels

LONGEST = 63
_MARK = 6
DIGITS = 12
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_KEY_PREFIX = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")

GENERATION = labels.GENERATION
HOSTS = labels.HOSTS
VALUES = "mcp_values"
RESTARTED = "mcp_restarted"
SERVER = "mcp_server"
NETWORK = "mcp_network"
VERIFIES = "mcp_verifies"
MANAGER = "mcp-orchestrator"


def object_name(fleet: str, server: str) -> str:
    """Returns the name of a server's objects: fleet and server, as its container has it on a host.

    Where the server's own name cannot stand in it, it ends with some digits of a hash, so that no two are the same.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", server.lower()).strip("-")
    name = f"{fleet}-{slug}".rstrip("-")
    name = name if name[0].isalpha() else f"mcp-{name}"
    if slug == server and len(name) <= LONGEST:
        return name
    mark = hashlib.sha256(server.encode()).hexdigest()[:_MARK]
    return f"{name[: LONGEST - _MARK - 1].rstrip('-')}-{mark}"


def digest(text: str) -> str:
    """Returns some digits of a hash, by which texts are told from each other."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def is_label_value(text: str) -> bool:
    """Returns whether a label can have this value."""
    return _VALUE.fullmatch(text) is not None


def is_label_key(text: str) -> bool:
    """Returns whether a label or an annotation can have this name."""
    prefix, slash, name = text.rpartition("/")
    if slash and not (len(prefix) <= 253 and _KEY_PREFIX.fullmatch(prefix)):
        return False
    return bool(name) and is_label_value(name)


def selector(fleet: str, server: str) -> dict[str, str]:
    """Returns the labels by which the pods of a server are selected; they never change."""
    return {
        labels.FLEET: fleet,
        labels.SERVICE: server if is_label_value(server) else object_name(fleet, server),
    }


def own_annotations(server: str) -> dict[str, str]:
    """Returns the annotations of every object of a server and of its pods: its name, where that is no label's value."""
    return {} if is_label_value(server) else {SERVER: server}


def own_labels(fleet: str, server: str) -> dict[str, str]:
    """Returns the labels of every object of a server; those of
    https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ are for people and their tools."""
    selected = selector(fleet, server)
    return {
        "app.kubernetes.io/managed-by": MANAGER,
        "app.kubernetes.io/name": selected[labels.SERVICE],
        "app.kubernetes.io/part-of": fleet,
        **selected,
    }
