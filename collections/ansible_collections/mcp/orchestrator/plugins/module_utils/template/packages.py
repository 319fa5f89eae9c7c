# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the package of a ``server.json`` is started: arguments, variables, transport."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.package_index import check_index
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.arguments import read_arguments, read_variable
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.docker_options import read_docker_options
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.draft import Draft, one_line

Json = dict[str, Any]

RUNTIMES = {"npm": "npx", "pypi": "uvx", "oci": "docker"}
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com")
_TAGGED = re.compile(r".*(:[^/]+|@sha256:[0-9a-f]{64})")
_BRACES = re.compile(r"\{([^{}]+)\}")
_IMAGE = "build an image of it, and write an entry of docker run"
WAY_OUT = {
    "mcpb": "download the bundle, and make the template of it: make template FILE=bundle.mcpb",
    "nuget": f"nothing here runs dnx; {_IMAGE}",
    "cargo": f"nothing here runs cargo; {_IMAGE}",
}


def launch_of(package: Mapping[str, Any], key: str, draft: Draft) -> Json:
    """Returns what a version of a template says of how the package is started; the rest of it is in ``draft``."""
    kind = package["registryType"]
    for name in ("identifier", "version", "registryBaseUrl"):
        draft.plain(f"{key}.{name}", package.get(name) or "")
    _check_runtime(package, kind, key, draft)
    known: dict[str, str] = {}
    for position, variable in enumerate(package.get("environmentVariables", ())):
        read_variable(variable, f"{key}.environmentVariables[{position}]", known, draft)
    read_runtime = read_docker_options if kind == "oci" else read_arguments
    runtime = read_runtime(package, key, "runtimeArguments", known, draft)
    own = read_arguments(package, key, "packageArguments", known, draft)
    _transport(package.get("transport", {}), f"{key}.transport", known, draft)
    for name, why in (
        ("fileSha256", "is not compared; what is installed is recorded with the digest of its registry"),
        ("postInstallInstructions", "is for people; read it before you make a server of this template"),
    ):
        if package.get(name):
            draft.note(f"{key}.{name}", why)
    if kind == "oci":
        return _image(package, runtime, own, draft)
    asked_nothing = [word for word in runtime if word not in ("-y", "--yes")]
    words = ["-y", *asked_nothing] if kind == "npm" else runtime
    name, version = package["identifier"], package.get("version")
    if version is None:
        draft.note(f"{key}.version", "is missing: whatever is newest when the image is built is installed")
    return {"command": RUNTIMES[kind], "args": [*words, f"{name}@{version}" if version else name, *own]}


def _check_runtime(package: Mapping[str, Any], kind: str, key: str, draft: Draft) -> None:
    hint, base = package.get("runtimeHint"), package.get("registryBaseUrl")
    if hint and hint != RUNTIMES[kind]:
        draft.note(f"{key}.runtimeHint", f"'{printable(hint)}' is replaced: {RUNTIMES[kind]} starts it here")
    if base and kind != "oci":
        findings = Findings("", "", "")
        check_index("", "registryBaseUrl", base, findings)
        for each in findings.errors:
            draft.error(f"{key}.registryBaseUrl", each.message)


def _image(package: Mapping[str, Any], runtime: Sequence[str], own: Sequence[str], draft: Draft) -> Json:
    """With options of docker run it is that command; else an image, whose command a template makes by itself."""
    name = package["identifier"]
    host = re.sub(r"^https?://|/.*$", "", package.get("registryBaseUrl") or "")
    if host and host not in _DOCKER_HUB and not name.startswith(f"{host}/"):
        name = f"{host}/{name}"
    version = package.get("version")
    if version and not _TAGGED.fullmatch(name):
        name = f"{name}:{version}"
    if not runtime:
        return {"image": name, **({"arguments": list(own)} if own else {})}
    passed = [word for each in (*draft.env, *draft.required) for word in ("-e", each)]
    return {"command": "docker", "args": ["run", "-i", "--rm", *runtime, *passed, name, *own]}


def _transport(found: Mapping[str, Any], key: str, known: Mapping[str, str], draft: Draft) -> None:
    kind = found.get("type", "stdio")
    if kind == "stdio":
        return
    draft.extension["transport"] = "sse" if kind == "sse" else "http"
    for position, header in enumerate(found.get("headers", ())):
        draft.note(f"{key}.headers[{position}]", f"clients send {one_line(str(header.get('name')))} themselves")
    url = str(found.get("url") or "")
    missing = [name for name in _BRACES.findall(url) if name not in known]
    address = _BRACES.sub(lambda match: known.get(match[1], "0"), url)
    try:
        parts = urlsplit(address)
        port, path, host = parts.port, parts.path, parts.hostname
    except ValueError:
        draft.error(f"{key}.url", f"'{printable(url)}' is no URL")
        return
    if missing or not port:
        why = f"{{{missing[0]}}} has no value" if missing else f"'{printable(url)}' names no port"
        draft.note(
            f"{key}.url", f"{why}: an entry has to say orchestrator.port, and orchestrator.path unless it is /mcp"
        )
        return
    draft.extension["port"] = port
    if path and path != "/":
        draft.extension["path"] = path
    if host in ("localhost", "127.0.0.1", "::1"):
        draft.note(f"{key}.url", "the server has to listen on every address of its container, not on loopback alone")
