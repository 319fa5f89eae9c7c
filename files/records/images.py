"""What registries say of the images that servers run, as last asked: is there another under the same tag?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = "images.json"
VERSION = 1
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerImage:
    """The image of a server: its reference, whether the registry has another under it, and when that was ``asked``, in
    seconds since 1970."""

    image: str
    is_outdated: bool
    asked: int


def images(directory: Path) -> Mapping[str, ServerImage]:
    """Returns the images by server, of those that a registry told something of, from the directory of the samples."""
    try:
        with (directory / FILE).open("rb") as file:
            found = json.loads(file.read(_LARGEST))
        if found["version"] != VERSION:
            return {}
        return {
            str(server): ServerImage(str(each["image"]), each["is_outdated"] is True, int(each["asked"]))
            for server, each in found["servers"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
