# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an entry names one image or one version of a package, or whatever its registry has at the time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import quoted

# Tags that are made to be moved. Any tag can be; these are.
_MOVING = frozenset({"latest", "main", "master", "edge", "nightly", "dev", "develop", "stable", "lts", "next"})
# https://semver.org, and PEP 440's version matching without a wildcard.
_NPM_EXACT = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_PYPI_EXACT = re.compile(r"={2,3}[A-Za-z0-9.!+-]+")
_PYPI = re.compile(r"([A-Za-z0-9._-]+(?:\[[^\]]*\])?)(.*)")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def has_digest(image: str) -> bool:
    """Returns whether the name of an image always means the same image."""
    return "@sha256:" in image


def moving_tag(image: str) -> str | None:
    """Returns the tag of an image where it is one that moves, ``latest`` where none is written; None for others."""
    if has_digest(image):
        return None
    tag = image.rpartition("/")[2].partition(":")[2] or "latest"
    return tag if tag in _MOVING else None


def check_pins(parsed: ParsedEntry, args: Sequence[str], require_digests: bool, findings: Findings) -> None:
    """Notes what may become another image or version without an edit, and refuses it where the settings say so."""
    if findings.errors:
        return  # what stands in the place of an image may then be something else, a secret even
    if parsed.recipe is not None:
        for text, better in unpinned_packages(parsed.recipe):
            findings.explain(
                "args",
                f"{quoted(text)} is installed in the version that is current when the image is built; {better} pins it",
            )
        return
    place = f"args[{args.index(parsed.image)}]" if parsed.image in args else "args"
    check_image_pin(parsed.image, place, require_digests, findings)


def check_image_pin(image: str, path: str, require_digests: bool, findings: Findings) -> None:
    """Does the same for an image that is named at ``path``."""
    if require_digests and not has_digest(image):
        findings.error(
            path,
            f"{quoted(image)} has no digest, and [security] require_digests is true in settings.conf; write"
            f" {image}@sha256:… as docker image inspect -f '{{{{.RepoDigests}}}}' prints it",
        )
    tag = moving_tag(image)
    if tag is not None:
        findings.explain(
            path,
            f"{quoted(image)} is what its registry has as '{tag}' when it is pulled; a version or a digest pins it",
        )


def unpinned_packages(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yields the packages that a build installs in a version which nobody wrote, and what to write instead."""
    own = f"{recipe.package}{'@' if recipe.runtime == 'node' and recipe.version else ''}{recipe.version or ''}"
    for text in (own, *recipe.also):
        better = _better(recipe.runtime, text)
        if better is not None:
            yield text, better


def _better(runtime: str, text: str) -> str | None:
    if "git+" in text:
        return _better_commit(runtime, text)
    if "://" in text:
        return None  # a file of one version
    if runtime == "node":
        name, _at, version = text[1:].partition("@") if text.startswith("@") else text.partition("@")
        shown = f"@{name}" if text.startswith("@") else name
        return None if _NPM_EXACT.fullmatch(version) else f"{shown}@VERSION"
    match = _PYPI.fullmatch(text)
    if match is None or _PYPI_EXACT.fullmatch(match[2]):
        return None
    return f"{match[1]}==VERSION"


def _better_commit(runtime: str, text: str) -> str | None:
    address = text[text.index("git+") :]
    if runtime == "node":
        place, _hash, reference = address.partition("#")
        return None if _COMMIT.fullmatch(reference) else f"{place}#COMMIT"
    place, _at, reference = address.partition("#")[0].rpartition("@")
    if not place:
        place, reference = reference, ""
    return None if _COMMIT.fullmatch(reference) else f"{place}@COMMIT"
