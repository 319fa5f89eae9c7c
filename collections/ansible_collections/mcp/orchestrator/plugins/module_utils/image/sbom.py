# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bill of materials of an image that was built here: a CycloneDX document.

https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.image.inventory import Component

VERSION = "1.6"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/mcp-orchestrator")


@dataclass(frozen=True)
class Subject:
    """The image: its name and id, the package that is its server, when its oldest step ran (RFC 3339), its base."""

    image: str
    id: str
    package: str
    created: str
    base: str
    base_id: str
    base_digest: str = ""


def bill_of_materials(subject: Subject, own: Sequence[Component], system: Sequence[Component]) -> dict[str, Any]:
    """Returns the document. ``own`` are the packages that the build installed, ``system`` those of the base."""
    base: Component = {
        "type": "container",
        "bom-ref": "base",
        "name": subject.base,
        "version": subject.base_digest or subject.base_id,
        "components": [dict(each) for each in system],
    }
    image: Component = {
        "type": "container",
        "bom-ref": "image",
        "name": subject.image,
        "version": subject.id,
        "properties": [
            {"name": "mcp:base-image-id", "value": subject.base_id},
            {"name": "mcp:package", "value": subject.package},
        ],
    }
    own_references = [each["bom-ref"] for each in own]
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, subject.id)}",
        "version": 1,
        "metadata": {
            "timestamp": subject.created,
            "tools": {"components": [{"type": "application", "name": "mcp-orchestrator"}]},
            "component": image,
        },
        "components": [base, *own],
        "dependencies": [{"ref": "image", "dependsOn": ["base", *own_references]}],
        # Of the base only what its own package manager knows is listed.
        "compositions": [
            {"aggregate": "complete" if own else "unknown", "dependencies": ["image"]},
            {"aggregate": "incomplete" if system else "unknown", "assemblies": ["base"]},
        ],
    }


def serialized(document: dict[str, Any]) -> bytes:
    """Returns the document as it is stored."""
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n".encode()
