# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code of the client's machine: script files, and Python modules that no package is known for."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import looks_secret, quoted

_SCRIPT = re.compile(
    r"(?![a-z]+://).*\.(pyw?|[mc]?[jt]sx?|sh|bash|zsh|rb|php|pl|lua|ps1|bat|jar|ipynb)(:[A-Za-z_][\w.]*)?",
    re.IGNORECASE | re.DOTALL,
)
_INTERPRETERS = re.compile(
    r"(?:.*[/\\])?(node|nodejs|bun|deno|tsx|ts-node|python(3(\.[0-9]+)?)?|py|ruby|php|perl|java|sh|bash|zsh|pwsh)(\.exe)?"
)
# The names that packages of MCP servers have, by which a module's package can be told: mcp_server_git, github_mcp.
_CONVENTION = re.compile(r"mcp_server_[a-z0-9_]+|[a-z0-9_]+_mcp(_server)?")
_OWN_PREFIX = re.compile(r"(my|our|local|custom|test|demo|example|sample|your)_")
# Modules that are no package's name but somebody's own code.
_OWN_CODE = frozenset(
    {"app", "application", "api", "backend", "bot", "cli", "client", "code", "core", "demo", "example", "examples"}
    | {"lib", "main", "mcp", "mcp_server", "my_mcp_server", "my_server", "project", "run", "script", "scripts"}
    | {"server", "servers", "service", "src", "start", "test", "tests", "tool", "tools", "utils"}
)
# Libraries that servers are written with, each with one module of its own name; python-dotenv's is another.
_LIBRARIES = frozenset(
    {"mcp", "fastmcp", "httpx", "requests", "pydantic", "aiohttp", "uvicorn", "starlette", "fastapi", "anyio", "click"}
    | {"typer", "rich", "pandas", "numpy", "flask", "python-dotenv", "pyyaml", "openai", "anthropic", "boto3"}
)
# What later versions of Python no longer have.
_FORMER_LIBRARY = frozenset(
    {"asynchat", "asyncore", "cgi", "cgitb", "distutils", "imp", "lib2to3", "smtpd", "telnetlib", "xdrlib"}
)
_IMAGE = "build an image of it and run it with docker"


def is_script(word: str) -> bool:
    """Returns whether the word is a file that an interpreter runs: ``server.py``, ``dist/index.js``, ``a.py:mcp``."""
    return bool(_SCRIPT.fullmatch(word))


def script_among(words: Sequence[str]) -> int | None:
    """Returns the position of a script that an interpreter among the words is to run: ``-- node build/index.js``."""
    for position, word in enumerate(words):
        parts = word.split()
        if len(parts) > 1 and _INTERPRETERS.fullmatch(parts[0]) and any(is_script(each) for each in parts[1:]):
            return position
        if _INTERPRETERS.fullmatch(word):
            following = [each for each in range(position + 1, len(words)) if not words[each].startswith("-")]
            if following and is_script(words[following[0]]):
                return following[0]
    return None


def script_error(word: str) -> str:
    """Returns what is wrong with a script of the client's machine."""
    return f"{quoted(word)} is a file of the client's machine; {_IMAGE}"


def is_library(module: str) -> bool:
    """Returns whether a module is of Python's own library."""
    top = module.split(".")[0]
    return top in sys.stdlib_module_names or top in _FORMER_LIBRARY


def is_own_module(module: str) -> bool:
    """Returns whether a module has a name that no package but many a project's folder has."""
    top = module.split(".")[0].lower()
    return top in _OWN_CODE or bool(_OWN_PREFIX.match(top))


def is_of_none(module: str, packages: Sequence[str]) -> bool:
    """Returns whether a module is of none of ``packages``: it has a project's name, or these are libraries only."""
    names = {re.split(r"[\[<>=!~ @]", package.lower(), maxsplit=1)[0].replace("_", "-") for package in packages}
    if module.split(".")[0].lower().replace("_", "-") in names or is_library(module):
        return False
    return is_own_module(module) or names <= _LIBRARIES


def module_error(module: str, folder: str) -> str | None:
    """Returns why ``python -m module`` cannot be taken for a package of PyPI; None where its name is a server's.

    Anybody can register a name of PyPI that somebody's own module has. ``folder`` is the key that says where the
    modules of the client's machine lie, or empty: Python looks there first.
    """
    uvx = f"write uvx with the package that it is from, or {_IMAGE}"
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module, re.ASCII) or looks_secret(module):
        return f"{quoted(module)} is a module of the client's machine; {uvx}"
    if is_library(module):
        return f"{quoted(module)} is a module of Python's own library, which is in no package; {uvx}"
    if folder:
        return f"{quoted(module)} is a module of the client's machine, for '{folder}' names a folder there; {uvx}"
    if is_own_module(module):
        return f"{quoted(module)} is a module of the client's machine; {uvx}"
    top, dot, _rest = module.partition(".")
    if _CONVENTION.fullmatch(top) and (not dot or top.startswith("mcp_server_")):
        return None
    what = f"'{printable(top)}', the first part of {quoted(module)}," if dot else quoted(module)
    return (
        f"{what} names no package, and what PyPI has under that name can be anybody's; write uvx with the package, or"
        f" 'uv run --with PACKAGE python -m {printable(module)}', or {_IMAGE}"
    )
