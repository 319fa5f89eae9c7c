"""Reading a CycloneDX bill of materials, and finding out which packages are of a registry that can be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from audit.finding import Package

REGISTRIES = ("npm", "pypi")


class Unreadable(Exception):
    """A file is no bill of materials; the sentence names it."""


def read_bill(path: Path) -> tuple[str, set[Package], int]:
    """What the bill is of, its packages of npm and PyPI, and how many components it has besides. Raises Unreadable."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        subject = str(document["metadata"]["component"]["name"])
        urls = [str(each["purl"]) for each in _components(document) if "purl" in each]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(
            f"{path} is not a CycloneDX bill of materials: {error!r}; remove it, and the next run writes it"
        ) from error
    packages = {package for package in map(_package, urls) if package is not None}
    return subject, packages, len(set(urls)) - len(packages)


def _components(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in node.get("components", ()):
        yield each
        yield from _components(each)


def _package(url: str) -> Package | None:
    """``pkg:npm/%40scope/name@1.2?…`` (https://github.com/package-url/purl-spec); None for other registries."""
    kind, _slash, rest = url.removeprefix("pkg:").partition("/")
    name, _at, version = rest.partition("?")[0].partition("#")[0].rpartition("@")
    return Package(kind, unquote(name), unquote(version)) if kind in REGISTRIES and name else None
