# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images are to be built: pure, from the specs, the templates and the images that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.template import Template


@dataclass(frozen=True)
class Present:
    """An image that the engine has: its id and labels."""

    id: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Build:
    """One image that servers need. ``reason`` is None when it is there as it should be."""

    image: str
    recipe: Recipe
    digest: str
    servers: tuple[str, ...]
    reason: str | None


LABEL = "mcp_recipe"


def plan_builds(
    specs: Sequence[Spec], templates: Mapping[str, Template], present: Mapping[str, Present]
) -> list[Build]:
    """The images of all enabled servers that are built here, each once, ordered by name."""
    servers: dict[str, list[str]] = {}
    recipes: dict[str, Recipe] = {}
    for spec in specs:
        if spec.build is not None and spec.enabled:
            recipes[spec.image] = Recipe.from_dict(spec.build)
            servers.setdefault(spec.image, []).append(spec.name)
    builds = []
    for image, recipe in sorted(recipes.items()):
        digest = templates[recipe.runtime].digest(recipe)
        builds.append(Build(image, recipe, digest, tuple(servers[image]), _reason(present.get(image), digest)))
    return builds


def _reason(present: Present | None, digest: str) -> str | None:
    if present is None:
        return "it is not there"
    if LABEL not in present.labels:
        return "the image of this name was not built here"
    return None if present.labels[LABEL] == digest else "the runtime template has changed"
