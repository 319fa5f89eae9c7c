# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that only start something else: a file, a program with more variables, another runner."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.local_code import (
    is_script,
    script_among,
    script_error,
)

LOADERS = frozenset(
    {"dotenv", "dotenv-cli", "dotenvx", "@dotenvx/dotenvx", "python-dotenv", "dotenv-vault", "env-cmd", "envdir"}
    | {"cross-env", "cross-env-shell", "@infisical/cli", "infisical", "@dopplerhq/cli", "doppler", "varlock", "direnv"}
    | {"op", "chamber", "envchain", "envconsul", "teller", "aws-vault", "aws-vault-proxy", "bws", "fnox", "sops"}
    | {"secretspec", "vaultenv", "vault-env", "summon", "gopass", "pass", "phase", "akeyless", "envio", "with-env"}
)
"""Programs and packages that load variables and then start the program behind them."""
_RUNNERS = frozenset(
    {"npm", "npx", "pnpm", "pnpx", "yarn", "bun", "bunx", "deno", "corepack", "uv", "uvx", "pip", "pipx", "poetry"}
    | {"pdm", "hatch", "pipenv", "rye", "pixi", "nvm", "volta", "fnm", "mise", "concurrently", "npm-run-all"}
)
_FILE_RUNNERS = frozenset(
    {"tsx", "ts-node", "ts-node-esm", "ts-node-dev", "tsnd", "esno", "esmo", "nodemon", "vite-node", "jiti", "zx"}
    | {"@babel/node", "babel-node", "swc-node", "esbuild-runner", "esr", "sucrase-node", "electron", "node", "nodejs"}
    | {"python", "python3", "py", "ipython", "streamlit", "uvicorn", "gunicorn", "hypercorn", "granian", "flask"}
    | {"chainlit", "papermill", "marimo", "pm2", "pkgx", "tsm", "@swc-node/cli"}
)
_INLINE = frozenset({"-e", "--eval", "-p", "--print", "-c", "-m"})
# Programs that serve a file, the address of a server, or nothing else: fastmcp run server.py, mcp dev server.py:app.
_SERVERS_OF_FILES = {
    "fastmcp": frozenset({"run", "dev", "inspect"}),
    "mcp": frozenset({"run", "dev"}),
}

# What starts another server behind HTTP, and the programs that the image with it does not have.
_OF_OTHER_RUNTIMES = {
    "supergateway": frozenset({"uv", "uvx", "pipx", "python", "python3", "docker", "podman"}),
    "mcp-proxy": frozenset({"npx", "npm", "node", "bunx", "bun", "pnpm", "yarn", "docker", "podman"}),
}
_BEFORE = frozenset({"--stdio", "--"})


def loader_error(name: str) -> str:
    """Returns what is wrong with a program that loads variables on the client's machine."""
    return (
        f"'{printable(name)}' loads variables on the client's machine and starts another program; write that program in"
        " command and its words in args, and the variables in env or envFile"
    )


def indirect_error(package: str, executable: str | None, words: Sequence[str], others: int) -> tuple[int, str] | None:
    """Returns why a package cannot be built as a server where it only starts something else; None for a server.

    The first value is the position among ``words``, which follow the program, or -1 for the program itself.
    ``others`` is how many further packages are installed with it.
    """
    name = _plain(executable or package)
    names = {name, _plain(package)} if not executable else {name}
    if names & LOADERS or _plain(package) in LOADERS:
        return -1, loader_error(name)
    if names & _RUNNERS:
        return -1, f"'{printable(name)}' starts another runner; write the one that starts the server in command"
    script = _file_of(names, words, others)
    if script is None:
        script = script_among(words)
    return _served_error(name, words) if script is None else (script, _file_error(name, words, script))


def _served_error(name: str, words: Sequence[str]) -> tuple[int, str] | None:
    """Why a package that starts another program and puts HTTP in front of it cannot do so in its own image."""
    if name == "mcpo":
        return -1, "'mcpo' answers OpenAPI and not MCP; write the server behind it in command and its words in args"
    if name not in _OF_OTHER_RUNTIMES:
        return None
    for position, word in enumerate(words):
        line = word.partition("=")[2] if word.startswith("--stdio=") else word
        inner = (line.split() or [""])[0]
        if inner in _OF_OTHER_RUNTIMES[name] and (word != line or position == 0 or words[position - 1] in _BEFORE):
            return position, (
                f"'{inner}' is not in the image of '{name}', which only puts HTTP in front of it, as the bridge"
                f" does here; write '{inner}' in command and its words in args"
            )
    return None


def _file_error(name: str, words: Sequence[str], position: int) -> str:
    if position < 0:
        return f"'{printable(name)}' runs a file of the client's machine; build an image of it and run it with docker"
    return script_error(words[position])


def _plain(package: str) -> str:
    """The name of a package without extras and version, in lower case."""
    return re.split(r"[\[<>=!~ ]|(?<=.)@", package.lower(), maxsplit=1)[0]


def _file_of(names: set[str], words: Sequence[str], others: int) -> int | None:
    """The position of the file that a runner of files is given, -1 where it has none; None where it needs none."""
    positional = [position for position, word in enumerate(words) if not word.startswith("-")]
    scripts = [position for position in positional if is_script(words[position])]
    if names & _FILE_RUNNERS:
        if others or any(word in _INLINE for word in words[: (positional or [len(words)])[0]]):
            return scripts[0] if scripts else None
        return (scripts or positional or [-1])[0]
    for name in names & set(_SERVERS_OF_FILES):
        if positional and words[positional[0]] in _SERVERS_OF_FILES[name]:
            if any(re.match(r"https?://", word) for word in words):
                return scripts[0] if scripts else None
            return (scripts or positional[1:] or [-1])[0]
    return None
