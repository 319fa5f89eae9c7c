# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images are to be built: pure, from the specs, the templates and the images that are there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.template import Template

LABEL = "mcp_recipe"
# https://github.com/opencontainers/image-spec/blob/main/annotations.md
CREATED = "org.opencontainers.image.created"
BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
BASE_ID = "mcp_base_id"
EVERY = "*"


@dataclass(frozen=True)
class Present:
    """An image that the engine has: its id and labels."""

    id: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Build:
    """One image that servers need. ``reason`` is None when it is there as it should be.

    ``renew`` says that nothing of an earlier build and no base of before may be taken.
    """

    image: str
    recipe: Recipe
    digest: str
    servers: tuple[str, ...]
    reason: str | None
    renew: bool = False


@dataclass(frozen=True)
class Renewal:
    """What is built again though it is there: the images of ``servers`` (EVERY for all), and those of a certain age."""

    servers: Collection[str] = ()
    after_days: int = 0

    def reason(self, present: Present, servers: Collection[str], now: datetime) -> str | None:
        """Returns why an image of these servers is built again."""
        if EVERY in self.servers or set(servers) & set(self.servers):
            return "its rebuild was requested"
        age = _age(present, now)
        if not self.after_days or (age is not None and age < self.after_days):
            return None
        return f"it is {age} days old, and rebuild_after_days is {self.after_days}" if age else "its age is not known"

    def unknown(self, specs: Sequence[Spec]) -> list[str]:
        """Returns the servers that are named and have no image that is built here."""
        built = {spec.name for spec in specs if spec.build is not None and spec.enabled}
        return sorted(set(self.servers) - built - {EVERY})


def plan_builds(
    specs: Sequence[Spec],
    templates: Mapping[str, Template],
    present: Mapping[str, Present],
    renewal: Renewal,
    now: datetime,
) -> list[Build]:
    """Returns the images of all enabled servers that are built here, each once, ordered by name. ``now`` is in UTC."""
    servers: dict[str, list[str]] = {}
    recipes: dict[str, Recipe] = {}
    for spec in specs:
        if spec.build is not None and spec.enabled:
            recipes[spec.image] = Recipe.from_dict(spec.build)
            servers.setdefault(spec.image, []).append(spec.name)
    return [
        _build(image, recipe, tuple(servers[image]), templates[recipe.runtime], present.get(image), renewal, now)
        for image, recipe in sorted(recipes.items())
    ]


def _build(
    image: str,
    recipe: Recipe,
    servers: tuple[str, ...],
    template: Template,
    present: Present | None,
    renewal: Renewal,
    now: datetime,
) -> Build:
    digest = template.digest(recipe)
    missing = _reason(present, digest)
    again = renewal.reason(present, servers, now) if present is not None else None
    return Build(image, recipe, digest, servers, missing or again, renew=again is not None)


def _reason(present: Present | None, digest: str) -> str | None:
    if present is None:
        return "it is missing"
    if LABEL not in present.labels:
        return "the image of this name was not built here"
    return None if present.labels[LABEL] == digest else "the runtime template has changed"


def _age(present: Present, now: datetime) -> int | None:
    """In days; None when it is unknown."""
    try:
        return (now - datetime.fromisoformat(present.labels.get(CREATED, ""))).days
    except (ValueError, TypeError):
        return None
