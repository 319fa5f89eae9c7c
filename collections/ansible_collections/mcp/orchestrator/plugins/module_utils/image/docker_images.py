# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's part: finding images, building them, and reading what was installed into them.

``client`` is the Docker SDK's own APIClient, as ``DockerEngine.client`` lends it.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.image.base import Base, made_at
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.builder import Limits, StepFailed, run_build
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.inventory import (
    dpkg_components,
    npm_components,
    pip_components,
    runtime_components,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.plan import (
    BASE_DIGEST,
    BASE_ID,
    BASE_NAME,
    CREATED,
    LABEL,
    Build,
    Present,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.sbom import (
    Subject,
    bill_of_materials,
    serialized,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.template import Template

try:
    from docker.errors import APIError, ImageNotFound, NotFound
    from requests.exceptions import RequestException
except ImportError:
    pass  # run() says so

_INSTALLED = "/opt/server/installed.json"
_NPM_LOCK = "/opt/server/node_modules/.package-lock.json"
_PIP_REPORT = "/opt/server/report.json"
_DPKG_STATUS = "/var/lib/dpkg/status"
_OS_RELEASE = "/usr/lib/os-release"
_MOST_BYTES = 64 * 1024**2  # of a file that is read out of an image
_COMPLAINT = re.compile(r"ERROR: |E: |npm error (?!code|errno|syscall|A complete log)|error: ")


def images_present(client: Any, names: Sequence[str]) -> dict[str, Present]:
    """Returns those of the images that the engine has."""
    found = {}
    for name in names:
        try:
            image = client.inspect_image(name)
        except ImageNotFound:
            continue
        found[name] = Present(image["Id"], image["Config"].get("Labels") or {})
    return found


def build_image(
    client: Any, build: Build, template: Template, base: Base, limits: Limits, network: str | None = None
) -> dict[str, str]:
    """Builds and labels one image, its steps in ``network``.

    Returns its id, and package, version and digest of what was installed.

    Raises ImageError with the most useful line of the build's log.
    """
    # By its id: the base that is recorded is the base that is built on.
    arguments = {"BASE": base.id, **({"GIT": "1"} if build.recipe.git else {})}
    try:
        context = template.context(build.recipe)
        layers = run_build(client, context, limits, buildargs=arguments, nocache=build.renew, network=network)
        installed = _installed(client, layers)
        label = {
            LABEL: build.digest,
            "mcp_package": installed["package"],
            "mcp_version": installed["version"],
            "mcp_package_digest": installed["digest"],
            CREATED: _utc(made_at(client.history(layers), base.layers)),
            BASE_NAME: base.name,
            BASE_ID: base.id,
            BASE_DIGEST: base.digest,
        }
        image = run_build(client, _on_top_of(layers), limits, labels=label, tag=build.image)
    except StepFailed as error:
        raise ImageError(
            f"{build.image} could not be built: {_complaint(error.log) or error}; check the package's name and"
            " version, and that this host reaches its registry"
        ) from error
    except ImageError as error:
        raise ImageError(f"{build.image} could not be built: {error}") from error
    except APIError as error:
        raise ImageError(f"{build.image} could not be built: {error.explanation or error}") from error
    except RequestException as error:
        raise ImageError(f"{build.image} could not be built: the engine did not answer in time") from error
    return {"id": image, **installed, "created": label[CREATED], "base": base.name, "base_digest": base.digest}


def describe(client: Any, name: str) -> tuple[str, bytes]:
    """Returns the id of an image that was built here, and its bill of materials, read without starting anything."""
    image = client.inspect_image(name)
    labels = image["Config"].get("Labels") or {}
    with _files(client, image["Id"]) as read:
        lock, report = read(_NPM_LOCK), read(_PIP_REPORT)
        own = [*npm_components(lock), *pip_components(report)]
        system = dpkg_components(read(_DPKG_STATUS), read(_OS_RELEASE))
    system += runtime_components(image["Config"].get("Env") or ())
    subject = Subject(
        image=name,
        id=image["Id"],
        package=f"{labels.get('mcp_package', '')} {labels.get('mcp_version', '')}".strip(),
        created=labels.get(CREATED) or image["Created"],
        base=labels.get(BASE_NAME, "unknown"),
        base_id=labels.get(BASE_ID, "unknown"),
        base_digest=labels.get(BASE_DIGEST, ""),
    )
    return image["Id"], serialized(bill_of_materials(subject, own, system))


def remove_superseded(client: Any) -> list[str]:
    """Removes what was built here, has lost its name to a later build, and has no container any more; gives the ids."""
    removed = []
    for image in client.images(filters={"dangling": True, "label": ["mcp_package"]}):
        try:
            client.remove_image(image["Id"])
        except APIError:
            continue  # a container still has it
        removed.append(image["Id"])
    return removed


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _complaint(log: str) -> str:
    """The first complaint of pip, npm or apt in a build's log."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log)
    complaints = [line.strip() for line in plain.splitlines() if _COMPLAINT.match(line.strip())]
    return re.sub(r"^(ERROR|E): |^npm error (code )?|^error: ", "", complaints[0]) if complaints else ""


def _on_top_of(image: str) -> bytes:
    """A context whose only step is to take an image as it is; labels come with the build."""
    dockerfile = f"FROM {image}\n".encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile))
    return context.getvalue()


def _installed(client: Any, image: str) -> Mapping[str, str]:
    """What the template wrote down about the package."""
    with _files(client, image) as read:
        content = read(_INSTALLED)
    try:
        found: Any = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        found = {}
    given = found if isinstance(found, dict) else {}
    return {key: str(given.get(key, ""))[:256] for key in ("package", "version", "digest")}


@contextmanager
def _files(client: Any, image: str) -> Iterator[Callable[[str], bytes]]:
    """Reads files of an image, without starting anything of it: empty where there is no such file."""
    container = client.create_container(image=image, labels={LABEL: "reading"})["Id"]

    def read(path: str) -> bytes:
        try:
            chunks, _facts = client.get_archive(container, path)
        except NotFound:
            return b""
        archive = bytearray()
        for chunk in chunks:
            archive += chunk
            if len(archive) > _MOST_BYTES:
                raise ImageError(f"its {path} is over {_MOST_BYTES >> 20} MiB")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            member = tar.next()
            file = tar.extractfile(member) if member is not None and member.isfile() else None
            return file.read() if file is not None else b""

    try:
        yield read
    finally:
        client.remove_container(container, force=True)
