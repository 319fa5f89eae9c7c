# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this host's processor runs the programs of an image. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image, World

# The processors that run another's programs without emulation.
_RUNS_TOO = {"linux/amd64": ("linux/386",), "linux/arm64": ("linux/arm",)}


def mismatch(spec: Spec, images: Mapping[str, Image | None], world: World) -> str | None:
    """Returns what is wrong with the platform of the server's image; None where nothing is, or nobody knows."""
    image, host = images.get(spec.image), world.confinement.platform
    if image is None or not image.platform or not host or image.platform in (host, *_RUNS_TOO.get(host, ())):
        return None
    return (
        f"image {spec.image} is made for {image.platform} and this host is {host}, which runs it under emulation only;"
        f" build or pull it for {host}"
    )


def warnings(specs: Sequence[Spec], world: World) -> list[str]:
    """Returns a text for each server that an emulation would have to run, unless its entry asks for the platform."""
    told = ((spec, mismatch(spec, world.images, world)) for spec in specs if spec.enabled and not spec.platform)
    return [f"{spec.name}: {text}" for spec, text in told if text is not None]
