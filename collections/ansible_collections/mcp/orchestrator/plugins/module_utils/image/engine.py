# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's part: finding images, building them, and reading what was installed into them."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import EngineError, ImageError
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.plan import LABEL, Build, Present
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.template import Template

DOCKER_ERROR: str | None = None
try:
    import docker
    from docker.errors import APIError, DockerException, ImageNotFound
    from docker.utils import kwargs_from_env
    from requests.exceptions import RequestException
except ImportError:
    DOCKER_ERROR = traceback.format_exc()  # main() says so

PATIENCE = 1800  # seconds that a build may be silent: a large package is
_INSTALLED = "/opt/server/installed.json"
_COMPLAINT = re.compile(r"ERROR: |E: |npm error (?!code|errno|syscall|A complete log)|error: ")


@contextmanager
def engine(docker_host: str | None) -> Iterator[Any]:
    """A client of the engine's API. Raises EngineError when nothing answers."""
    try:
        where: Any = {"base_url": docker_host} if docker_host else kwargs_from_env()
        client = docker.APIClient(**where, version="auto", timeout=PATIENCE)
    except (DockerException, RequestException) as error:
        address = docker_host or os.environ.get("DOCKER_HOST") or "the local socket"
        raise EngineError(f"no Docker engine answers at {address}; start it (systemctl start docker)") from error
    try:
        yield client
    except APIError as error:
        raise EngineError(f"the Docker engine refused: {error.explanation or error}") from error
    except RequestException as error:
        raise EngineError("the Docker engine went away; look at it with systemctl status docker") from error
    finally:
        client.close()


def images_present(client: Any, names: Sequence[str]) -> dict[str, Present]:
    """Those of the images that the engine has."""
    found = {}
    for name in names:
        try:
            image = client.inspect_image(name)
        except ImageNotFound:
            continue
        found[name] = Present(image["Id"], image["Config"].get("Labels") or {})
    return found


def build_image(client: Any, build: Build, template: Template) -> dict[str, str]:
    """Builds and labels one image. Returns its id, and package, version and digest of what was installed.

    Raises ImageError with the line of the build's log that tells most.
    """
    arguments = {"BASE": template.base, **({"GIT": "1"} if build.recipe.git else {})}
    try:
        layers = _build(client, build.image, fileobj=template.context(build.recipe), buildargs=arguments)
        installed = _installed(client, layers)
        label = {
            LABEL: build.digest,
            "mcp_package": installed["package"],
            "mcp_version": installed["version"],
            "mcp_package_digest": installed["digest"],
        }
        image = _build(client, build.image, fileobj=_on_top_of(layers), labels=label, tag=build.image)
    except APIError as error:
        raise ImageError(f"{build.image} could not be built: {error.explanation or error}") from error
    return {"id": image, **installed}


def _build(client: Any, name: str, **options: Any) -> str:
    """The id of what is built."""
    log: list[str] = []
    built = ""
    fileobj = options.pop("fileobj")
    stream = client.build(fileobj=fileobj, custom_context=True, rm=True, forcerm=True, decode=True, **options)
    for line in stream:
        if "error" in line:
            raise ImageError(f"{name} could not be built: {_complaint(log) or line['error'].strip()}")
        log.append(line.get("stream", ""))
        built = line.get("aux", {}).get("ID", built)
    if not built:
        raise ImageError(f"{name} could not be built: the engine told no id")
    return built


def _complaint(log: Sequence[str]) -> str:
    """The first complaint of pip, npm or apt in a build's log."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "".join(log))
    complaints = [line.strip() for line in plain.splitlines() if _COMPLAINT.match(line.strip())]
    return re.sub(r"^(ERROR|E): |^npm error (code )?|^error: ", "", complaints[0]) if complaints else ""


def _on_top_of(image: str) -> io.BytesIO:
    """A context whose only step is to take an image as it is; labels come with the build."""
    dockerfile = f"FROM {image}\n".encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile))
    context.seek(0)
    return context


def _installed(client: Any, image: str) -> Mapping[str, str]:
    """What the template wrote down about the package, read without starting anything."""
    container = client.create_container(image=image, labels={LABEL: "reading"})["Id"]
    try:
        chunks, _facts = client.get_archive(container, _INSTALLED)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            file = tar.extractfile("installed.json")
            found: Any = json.load(file) if file is not None else {}
    finally:
        client.remove_container(container, force=True)
    return {key: str(found.get(key, "")) for key in ("package", "version", "digest")}
