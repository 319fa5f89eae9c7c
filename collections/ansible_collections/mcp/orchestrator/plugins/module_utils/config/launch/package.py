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
# The hosts whose pages npm takes for the repository: https://github.com/npm/hosted-git-info, lib/hosts.js.
_HOSTED = re.compile(
    r"(?:git\+)?(?:https?|git)://(?:www\.)?(github\.com|gitlab\.com|bitbucket\.org)/([A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)+?)"
    r"(?:\.git)?/?(?:/(?:-/)?(?:tree|src)/([A-Za-z0-9._/-]+?)/?)?(?:#([A-Za-z0-9._/-]+))?"
)
_SHORTCUT = re.compile(
    r"(github|gitlab|bitbucket):([A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)+?)(?:\.git)?(?:#([A-Za-z0-9._/-]+))?"
)
_SHORTCUTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_SSH = re.compile(
    r"(?:git\+)?ssh://(?:[^@/]*@)?([A-Za-z0-9.-]+)(?::[0-9]+)?[/:](.+)|[A-Za-z0-9_-]+@([A-Za-z0-9.-]+):(.+)"
)
_REPOSITORY = re.compile(r"https?://([A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9._~/+-]+)")
_NPM_FILE = re.compile(
    r"(?:.*/)?(?:.+\.(?:ts|tsx|mts|cts|mjs|cjs|jsx|py|sh)|(?:index|server|main|app|cli|bundle|build|start)\.js)|.+/.+\.js"
)
# Folders of projects; npm would take src/server for a repository of the user src.
_FOLDERS = frozenset(
    {"src", "dist", "build", "lib", "out", "bin", "packages", "apps", "app", "scripts", "server", "servers", "target"}
    | {"node_modules", "cmd", "tools", "examples", "mcp-server", "mcp-servers", "backend", "services"}
)
_LOCAL = re.compile(r"(?:\.{0,2}|~)[/\\]|[A-Za-z]:[\\/]|file:|\.{1,2}$")


_LONGEST = 1000
_IMAGE = "build an image of it and run it with docker"


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
    if re.search(r"\S\s+(?![<>=!~@,;\s])\S", text) and "@" not in text[1:] and not re.search(r"[<>=!~]", text):
        raise PackageError("are several words; write each on its own")
    if len(text) > _LONGEST:
        raise PackageError("is longer than the name or address of a package")
    if _LOCAL.match(text):
        raise PackageError(f"is a path of the client's machine; publish the package, or {_IMAGE}")


def _hosted(text: str) -> str | None:
    """The address that git takes, of a repository's page or of npm's short form; None for anything else."""
    page = _HOSTED.fullmatch(text)
    short = None if page else _SHORTCUT.fullmatch(text)
    if page:
        host, path, reference = page[1], page[2], page[4] or page[3]
    elif short:
        host, path, reference = _SHORTCUTS[short[1]], short[2], short[3]
    else:
        return None
    if "/-/" in f"/{path}/" or (host != "gitlab.com" and path.count("/") > 1):
        return None  # a file's page, and the like
    return f"git+https://{host}/{path.removesuffix('.git')}.git{f'#{reference}' if reference else ''}"


def _refuse_unreadable_git(text: str) -> None:
    ssh = _SSH.fullmatch(text)
    if ssh:
        raise PackageError(
            "is read with a key of the client's machine, which a build does not have; write"
            f" git+https://{ssh[1] or ssh[3]}/{ssh[2] or ssh[4]}"
        )
    hosted, repository = _hosted(text), _REPOSITORY.fullmatch(text)
    if hosted or repository:
        address = hosted or f"git+https://{repository[1] if repository else ''}"
        place, _hash, reference = address.partition("#")
        raise PackageError(f"is no package but a repository; write {place}{f'@{reference}' if reference else ''}")


def npm_package(text: str) -> Package:
    """Reads ``name``, ``@scope/name@1.2``, ``github:owner/name#ref``, ``git+https://…`` or a tarball's address.

    Raises PackageError."""
    _refuse_local(text)
    if _GIT.fullmatch(text):
        return Package(text, None, None, git=True)
    if _WHEEL.fullmatch(text):
        return Package(text, None, None)
    hosted = _hosted(text)
    if hosted:
        return Package(hosted, None, None, git=True)
    _refuse_unreadable_git(text)
    if _NPM_FILE.fullmatch(text) and not text.startswith("@"):
        raise PackageError(f"is a file of the client's machine; {_IMAGE}")
    scope, at, rest = text[1:].partition("@") if text.startswith("@") else text.partition("@")
    name, version = (f"@{scope}" if text.startswith("@") else scope), rest
    if _NPM.fullmatch(name) and (not at or _NPM_VERSION.fullmatch(version)):
        return Package(name, None if version in {"", "latest"} else version, name.rpartition("/")[2])
    match = _NPM_GIT.fullmatch(text)
    if match and match[1].partition("/")[0].lower() in _FOLDERS and not text.startswith("github:"):
        raise PackageError(f"is a path of the client's machine; publish the package, or {_IMAGE}")
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
    _refuse_unreadable_git(text)
    if re.fullmatch(r"[^\s=<>@\[]+\.pyw?", text):
        # https://docs.astral.sh/uv/guides/tools: neither uvx nor pipx takes such a name for a package.
        raise PackageError(f"is a file of the client's machine; {_IMAGE}")
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
