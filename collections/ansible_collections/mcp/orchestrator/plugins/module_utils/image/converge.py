# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building what is missing, several at a time; one image that cannot be built fails its own servers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.engine import build_image, images_present
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.plan import Build, Present, plan_builds
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.template import Template, read_template

AT_ONCE = 3


@dataclass
class Outcome:
    """What was done: the images, the servers that have none and why, and whether anything changed."""

    images: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    changed: bool = False
    before: str = ""
    after: str = ""


def converge_images(
    client: Any, specs: Sequence[Spec], folder: str, bases: Mapping[str, str], *, dry_run: bool
) -> Outcome:
    """Builds the images that the specs need and the engine lacks, or with ``dry_run`` tells which."""
    outcome = Outcome()
    wanted = [spec for spec in specs if spec.build is not None and spec.enabled]
    templates: dict[str, Template] = {}
    for runtime in sorted({Recipe.from_dict(spec.build).runtime for spec in wanted if spec.build is not None}):
        try:
            templates[runtime] = read_template(folder, runtime, bases[runtime])
        except ImageError as error:
            names = [spec.name for spec in wanted if spec.build is not None and spec.build["runtime"] == runtime]
            outcome.errors += [{"server": name, "message": str(error)} for name in names]
    buildable = [spec for spec in wanted if spec.build is not None and spec.build["runtime"] in templates]
    present = images_present(client, sorted({spec.image for spec in buildable}))
    builds = plan_builds(buildable, templates, present)
    missing = [build for build in builds if build.reason is not None]
    outcome.changed = bool(missing)
    outcome.before = "".join(_line(build, present.get(build.image)) for build in missing)
    outcome.after = "".join(f"{build.image}: built, because {build.reason}\n" for build in missing)
    results = _built(client, [] if dry_run else missing, templates)
    for build in builds:
        result = results.get(build.image)
        if isinstance(result, ImageError):
            message = f"{result}; look at the package's name and version, and whether this host reaches its registry"
            outcome.errors += [{"server": server, "message": f"{server}: {message}"} for server in build.servers]
        else:
            outcome.images.append(_fact(build, present.get(build.image), result))
    return outcome


def _built(
    client: Any, builds: Sequence[Build], templates: Mapping[str, Template]
) -> dict[str, Mapping[str, str] | ImageError]:
    def build_one(build: Build) -> Mapping[str, str] | ImageError:
        try:
            return build_image(client, build, templates[build.recipe.runtime])
        except ImageError as error:
            return error

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return dict(zip([build.image for build in builds], pool.map(build_one, builds), strict=True))


def _line(build: Build, present: Present | None) -> str:
    return f"{build.image}: {present.id if present else 'absent'}\n"


def _fact(build: Build, present: Present | None, result: Mapping[str, str] | None) -> dict[str, Any]:
    fact: dict[str, Any] = {"image": build.image, "servers": list(build.servers), "reason": build.reason}
    if result is not None:
        return {**fact, "action": "built", **result}
    labels = present.labels if present else {}
    return {
        **fact,
        "action": "none" if build.reason is None else "build",
        "id": present.id if present else None,
        "package": labels.get("mcp_package", build.recipe.package),
        "version": labels.get("mcp_version", build.recipe.version),
        "digest": labels.get("mcp_package_digest"),
    }
