# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing images that are built here to the registry from which a cluster pulls them.

The engine remembers under which digest it has pushed an image (RepoDigests), so that one that is there is not pushed
again. It has the registry's credentials from whoever has logged in: ``docker login`` as the user of the runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import REPOSITORY
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError

try:
    from docker.errors import APIError
    from requests.exceptions import RequestException
except ImportError:
    pass  # run() says so


def repository_in(registry: str, image: str) -> tuple[str, str]:
    """Returns where an image that is built here belongs in a registry: repository and tag."""
    repository, _colon, tag = image.rpartition(":")
    return repository.replace(REPOSITORY, registry, 1), tag


def pushed_as(image: Mapping[str, Any], repository: str) -> str | None:
    """Returns an image's name by the digest under which the engine has pushed it there; None where it has not.

    ``image`` is as the engine describes it.
    """
    return next((each for each in image.get("RepoDigests") or () if each.startswith(f"{repository}@")), None)


def push(client: Any, image: str, registry: str) -> str:
    """Pushes an image and returns its name by digest. Raises ImageError.

    Once it has begun to push, the engine answers 200 and tells of what goes wrong in the stream alone
    (findings/docker-push-error-in-stream.sh).
    """
    repository, tag = repository_in(registry, image)
    digest = ""
    try:
        client.tag(image, repository, tag, force=True)
        for line in client.push(repository, tag, stream=True, decode=True):
            if line.get("error"):
                raise ImageError(_failed(image, repository, str(line["error"])))
            digest = (line.get("aux") or {}).get("Digest") or digest
    except APIError as error:
        raise ImageError(_failed(image, repository, str(error.explanation or error))) from error
    except RequestException as error:
        raise ImageError(_failed(image, repository, "the engine did not answer in time")) from error
    if not digest:
        raise ImageError(_failed(image, repository, "the registry has told no digest"))
    return f"{repository}@{digest}"


def _failed(image: str, repository: str, why: str) -> str:
    return (
        f"{image} could not be pushed to {repository}: {' '.join(why.split())}; check image_registry in [kubernetes] of"
        f" settings.conf, and log in as root: docker login {repository.partition('/')[0]}"
    )
