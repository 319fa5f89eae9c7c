# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an entry names one image or one version of a package, or whatever its registry has at the time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe

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
