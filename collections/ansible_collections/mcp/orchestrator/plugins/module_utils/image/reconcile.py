# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building what is missing, several at a time; one image that cannot be built fails its own servers alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.build_network import BuildNetwork
from ansible_collections.mcp.orchestrator.plugins.module_utils.image import sbom_store
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.base import Base, is_pinned, obtain
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.builder import Limits
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.docker_images import (
    build_image,
    describe,
    images_present,
    remove_superseded,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.plan import (
    BASE_DIGEST,
    BASE_NAME,
    CREATED,
    Build,
    Present,
    Renewal,
    plan_builds,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.push import push, pushed_as, repository_in
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.template import Template, read_template

# Each may take its whole limit of memory.
AT_ONCE = 2


@dataclass(frozen=True)
class DesiredImages:
    """The servers whose images are needed, and how they are built.

    ``templates`` is the folder of templates, ``bases`` the base of each runtime, ``renewal`` says what is built again.
    ``sboms`` is the folder of the bills of materials, None for none. With ``require_digests`` a base has to be pinned.
    ``registry`` is the first part of the name under which the images of the servers ``pushed_for`` are pushed.
    ``network`` gives the network for the steps, and is asked when there is something to build; None: the engine's own.
    """

    specs: Sequence[Spec]
    templates: str
    bases: Mapping[str, str]
    limits: Limits = field(default_factory=Limits)
    renewal: Renewal = field(default_factory=Renewal)
    sboms: str | None = None
    require_digests: bool = False
    registry: str = ""
    pushed_for: Collection[str] = ()
    network: Callable[[], BuildNetwork] | None = None


@dataclass
class Outcome:
    """What was done: the images, the servers that have none and why, and whether anything changed.

    ``pushed`` has by server its image's name in the registry, by digest.

    ``unprotected`` says why no rules kept the builds from the host, empty where they did.
    """

    images: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    pushed: dict[str, str] = field(default_factory=dict)
    changed: bool = False
    before: str = ""
    after: str = ""
    unprotected: str = ""

    def fail(self, servers: Iterable[str], message: str) -> None:
        """Notes why servers have no image as they should."""
        self.errors += [{"server": server, "message": message} for server in servers]


def reconcile(client: Any, desired: DesiredImages, *, dry_run: bool) -> Outcome:
    """Builds the images that the servers need and the engine lacks, or with ``dry_run`` returns which."""
    outcome = Outcome()
    outcome.fail(
        desired.renewal.unknown(desired.specs),
        "it has no image that is built here, so there is nothing to rebuild; name a server with npx, uvx or the like",
    )
    templates = _templates(desired, outcome)
    buildable = [spec for spec in desired.specs if spec.build is not None and spec.build["runtime"] in templates]
    present = images_present(client, sorted({spec.image for spec in buildable if spec.enabled}))
    planned = plan_builds(buildable, templates, present, desired.renewal, datetime.now(UTC))
    missing = [build for build in planned if build.reason is not None]
    outcome.changed = bool(missing)
    outcome.before = "".join(_line(build, present.get(build.image)) for build in missing)
    outcome.after = "".join(f"{build.image}: built, because {build.reason}\n" for build in missing)
    results = {} if dry_run else _built(client, missing, templates, desired, outcome)
    for build in planned:
        result = results.get(build.image)
        if isinstance(result, ImageError):
            outcome.fail(build.servers, str(result))
        else:
            outcome.images.append(_fact(build, present.get(build.image), result))
    _push(client, desired, outcome, dry_run=dry_run)
    if desired.sboms is not None:
        _record(client, desired.sboms, outcome, dry_run=dry_run)
    if not dry_run:
        remove_superseded(client)
    return outcome


def _templates(desired: DesiredImages, outcome: Outcome) -> dict[str, Template]:
    """The templates of the runtimes that are needed and can be used."""
    servers: dict[str, list[str]] = {}
    for spec in desired.specs:
        if spec.build is not None and spec.enabled:
            servers.setdefault(Recipe.from_dict(spec.build).runtime, []).append(spec.name)
    found = {}
    for runtime, names in sorted(servers.items()):
        base = desired.bases[runtime]
        if desired.require_digests and not is_pinned(base):
            outcome.fail(
                names,
                f"its base {base} has no digest, and [security] require_digests is true in settings.conf;"
                f" write {base.partition('@')[0]}@sha256:… as {runtime} into mcp_image_bases of the inventory",
            )
            continue
        try:
            found[runtime] = read_template(desired.templates, runtime, base)
        except ImageError as error:
            outcome.fail(names, str(error))
    return found


def _built(
    client: Any, missing: Sequence[Build], templates: Mapping[str, Template], desired: DesiredImages, outcome: Outcome
) -> dict[str, Mapping[str, str] | ImageError]:
    network = desired.network() if desired.network is not None and missing else BuildNetwork(None)
    outcome.unprotected = network.unprotected
    bases = _bases(client, missing, templates)

    def build_one(build: Build) -> Mapping[str, str] | ImageError:
        base = bases[build.recipe.runtime]
        if isinstance(base, ImageError):
            return base
        try:
            return build_image(client, build, templates[build.recipe.runtime], base, desired.limits, network.name)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return dict(zip([build.image for build in missing], pool.map(build_one, missing), strict=True))


def _bases(client: Any, builds: Sequence[Build], templates: Mapping[str, Template]) -> dict[str, Base | ImageError]:
    renewed: dict[str, bool] = {}
    for build in builds:
        renewed[build.recipe.runtime] = renewed.get(build.recipe.runtime, False) or build.renew
    found: dict[str, Base | ImageError] = {}
    for runtime, renew in renewed.items():
        try:
            found[runtime] = obtain(client, templates[runtime].base, renew=renew)
        except ImageError as error:
            found[runtime] = error
    return found


def _push(client: Any, desired: DesiredImages, outcome: Outcome, *, dry_run: bool) -> None:
    """Pushes the images that the registry has not, as far as this engine knows."""
    for fact in outcome.images:
        servers = [name for name in fact["servers"] if name in desired.pushed_for]
        if not servers:
            continue
        repository, tag = repository_in(desired.registry, fact["image"])
        known = None if fact["action"] == "build" else pushed_as(client.inspect_image(fact["image"]), repository)
        if known is None:
            outcome.changed = True
            outcome.after += f"{repository}:{tag}: pushed\n"
        if known is None and not dry_run:
            try:
                known = push(client, fact["image"], desired.registry)
            except ImageError as error:
                outcome.fail(servers, str(error))
        if known is not None:
            fact["pushed"] = known
            outcome.pushed |= dict.fromkeys(servers, known)


def _record(client: Any, folder: str, outcome: Outcome, *, dry_run: bool) -> None:
    """Keeps a bill of materials for each image that was built here and is there, and no other."""
    kept = set(sbom_store.kept(folder))
    for fact in outcome.images:
        if fact["id"] is None or fact["action"] == "build":
            continue
        fact["sbom"] = sbom_store.path_of(folder, fact["id"])
        if fact["id"] in kept:
            continue
        outcome.changed = True
        outcome.after += f"{fact['sbom']}: written\n"
        if not dry_run:
            try:
                sbom_store.keep(folder, *describe(client, fact["image"]))
            except (ImageError, OSError) as error:
                outcome.fail(fact["servers"], f"its bill of materials could not be written: {error}")
    there = images_present(client, sorted(kept))
    if not dry_run:
        sbom_store.forget(folder, kept - set(there))


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
        "created": labels.get(CREATED),
        "base": labels.get(BASE_NAME),
        "base_digest": labels.get(BASE_DIGEST),
    }
