# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image that another is built on: found or pulled, and known by its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError

try:
    from docker.errors import APIError, ImageNotFound
    from requests.exceptions import RequestException
except ImportError:
    pass  # run() says so


@dataclass(frozen=True)
class Base:
    """A base as it is on this host. ``digest`` is the one of its registry, empty for an image made here.

    ``layers`` is how many entries its history has.
    """

    name: str
    id: str
    digest: str = ""
    layers: int = 0


def is_pinned(reference: str) -> bool:
    """Returns whether a reference names one image for ever: by digest."""
    return "@sha256:" in reference


def obtain(client: Any, name: str, *, renew: bool) -> Base:
    """Returns the base ``name``, pulled where it is not there, or with ``renew`` where its registry has another one.

    One that is there stays good where the registry does not answer or does not know it: it may have been made here.
    Raises ImageError.
    """
    found = _inspected(client, name)
    if found is None or (renew and not is_pinned(name)):
        try:
            _pull(client, name)
        except ImageError:
            if found is None:
                raise
        found = _inspected(client, name)
    if found is None:
        raise ImageError(f"the base {name} is missing right after its pull; check docker images")
    return Base(
        name,
        found["Id"],
        registry_digest(name, found.get("RepoDigests") or ()),
        len(client.history(found["Id"])),
    )


def registry_digest(name: str, digests: Sequence[str]) -> str:
    """Returns the digest by which a registry knows an image of this name, out of its ``RepoDigests``."""
    if is_pinned(name):
        return name.partition("@")[2]
    repository = _repository(name)
    own = [digest for known in digests for repo, _at, digest in [known.partition("@")] if repo == repository]
    return next(iter(own), "")


def _repository(name: str) -> str:
    head, _slash, last = name.rpartition("/")
    return f"{head}/{last.partition(':')[0]}" if head else last.partition(":")[0]


def made_at(history: Iterable[Mapping[str, Any]], base_layers: int) -> int:
    """Returns when the oldest step above the base ran, in seconds since the epoch; with a cache, not the build's time.

    ``history`` is newest first, as ``GET /images/{name}/history`` answers.
    """
    entries = list(history)
    own = entries[: max(len(entries) - base_layers, 1)]
    return min((int(each.get("Created") or 0) for each in own), default=0)


def _inspected(client: Any, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = client.inspect_image(name)
    except ImageNotFound:
        return None
    return found


def _pull(client: Any, name: str) -> None:
    try:
        for line in client.pull(name, stream=True, decode=True):
            if "error" in line:
                raise ImageError(f"the base {name} cannot be pulled: {str(line['error']).strip()}")
    except APIError as error:
        raise ImageError(f"the base {name} cannot be pulled: {error.explanation or error}") from error
    except RequestException as error:
        raise ImageError(f"the base {name} cannot be pulled: the engine did not answer in time") from error
