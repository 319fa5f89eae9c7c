# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What package tools call a package: names, versions and addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import looks_secret

_NPM = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*")
_NPM_VERSION = re.compile(r"[A-Za-z0-9^~<>=|*][A-Za-z0-9.^~<>=|* +-]*")
_NPM_GIT = re.compile(r"(?:github:)?([A-Za-z0-9-]+/[A-Za-z0-9._-]+)(?:#([A-Za-z0-9._/-]+))?")
_PYPI = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(\[[A-Za-z0-9._, -]*\])?\s*(.*)")
_PYPI_VERSION = re.compile(r"(?:(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!-]+\s*,?\s*)+")
_GIT = re.compile(
    r"git\+https://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9._~/+-]+(?:@[A-Za-z0-9._/-]+)?(?:#[A-Za-z0-9._=&/-]+)?"
)
_WHEEL = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9._~/%+@-]+\.(?:whl|tar\.gz|zip|tgz)")
_LOCAL = re.compile(r"(?:\.{0,2}|~)[/\\]|[A-Za-z]:[\\/]|file:|\.{1,2}$")


@dataclass(frozen=True)
class Package:
    """A package: what to install, in which version (None: the newest), and the program that bears its name."""

    name: str
    version: str | None
    program: str | None
    git: bool = False


class PackageError(ValueError):
    """What is no package; the reason reads after it."""


def _refuse_local(text: str) -> None:
    if looks_secret(text):
        raise PackageError("stands where the package belongs; put it into env")
    if _LOCAL.match(text):
        raise PackageError(
            "is a path of the client's machine; publish the package, or build an image of it and run it with docker"
        )


def npm_package(text: str) -> Package:
    """Reads ``name``, ``@scope/name@1.2``, ``github:owner/name#ref``, ``git+https://…`` or a tarball's address.

    Raises PackageError."""
    _refuse_local(text)
    if _GIT.fullmatch(text):
        return Package(text, None, None, git=True)
    if _WHEEL.fullmatch(text):
        return Package(text, None, None)
    scope, at, rest = text[1:].partition("@") if text.startswith("@") else text.partition("@")
    name, version = (f"@{scope}" if text.startswith("@") else scope), rest
    if _NPM.fullmatch(name) and (not at or _NPM_VERSION.fullmatch(version)):
        return Package(name, None if version in {"", "latest"} else version, name.rpartition("/")[2])
    match = _NPM_GIT.fullmatch(text)
    if match:
        return Package(
            f"git+https://github.com/{match[1]}.git{f'#{match[2]}' if match[2] else ''}", None, None, git=True
        )
    raise PackageError("is not a package of npm; write name, @scope/name or name@version")


def pypi_package(text: str) -> Package:
    """Reads ``name``, ``name==1.2``, ``name@1.2``, ``name[extra]``, ``git+https://…`` or a wheel's address.

    Raises PackageError."""
    _refuse_local(text)
    if _GIT.fullmatch(text):
        return Package(text, None, None, git=True)
    if _WHEEL.fullmatch(text):
        return Package(text, None, None)
    match = _PYPI.fullmatch(text)
    if not match:
        raise PackageError("is not a package of PyPI; write name, name==version or git+https://…")
    name, extras, rest = match[1], match[2] or "", match[3].strip()
    if rest.startswith("@"):
        address = rest[1:].strip()
        if _GIT.fullmatch(address):
            return Package(f"{name}{extras} @ {address}", None, name, git=True)
        if _WHEEL.fullmatch(address):
            return Package(f"{name}{extras} @ {address}", None, name)
        if re.fullmatch(r"[A-Za-z0-9.*+!-]+", address):
            return Package(f"{name}{extras}", None if address == "latest" else f"=={address}", name)
    elif not rest or _PYPI_VERSION.fullmatch(rest):
        return Package(f"{name}{extras}", rest.replace(" ", "") or None, name)
    raise PackageError("is not a package of PyPI; write name, name==version or git+https://…")
