# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries that start a server with npx, npm exec, bunx, pnpm dlx, yarn dlx or node."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.indirect import indirect_error
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.package import (
    Package,
    PackageError,
    npm_package,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.package_runner_parser import (
    Option,
    OptionEffect,
    parse_runner_arguments,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.program import (
    installed_program,
    installed_program_error,
    program_at,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import quoted
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

RUNTIME = "node"
_INSTALLED = "the package is installed when the image is built"
_NOT_INSTALLED = (
    "with it nothing is installed, and the program is one of a project on the client's machine; remove it where you"
    " mean npm's package"
)
_SHELL = "a shell's line cannot be split safely; write the program and its arguments one by one"
_REGISTRY = "the base image's npm configuration says where packages come from"
_CALM = "nobody reads what npm says"
_OPTIONS = {
    "-y": Option(OptionEffect.SWITCH, _INSTALLED),
    "--yes": Option(OptionEffect.SWITCH, _INSTALLED),
    "--no": Option(OptionEffect.REFUSED_SWITCH, _NOT_INSTALLED),
    "--no-install": Option(OptionEffect.REFUSED_SWITCH, _NOT_INSTALLED),
    "--ignore-existing": Option(OptionEffect.SWITCH, _INSTALLED),
    "--prefer-offline": Option(OptionEffect.SWITCH, _INSTALLED),
    "--prefer-online": Option(OptionEffect.SWITCH, _INSTALLED),
    "--offline": Option(OptionEffect.SWITCH, _INSTALLED),
    "--legacy-peer-deps": Option(OptionEffect.SWITCH, _INSTALLED),
    "--force": Option(OptionEffect.SWITCH, _INSTALLED),
    "-f": Option(OptionEffect.SWITCH, _INSTALLED),
    "--ignore-scripts": Option(OptionEffect.SWITCH, "the image is built in a container"),
    "--bun": Option(OptionEffect.SWITCH, "the server runs in node"),
    "--silent": Option(OptionEffect.SWITCH, _CALM),
    "-s": Option(OptionEffect.SWITCH, _CALM),
    "--quiet": Option(OptionEffect.SWITCH, _CALM),
    "-q": Option(OptionEffect.SWITCH, _CALM),
    "--loglevel": Option(OptionEffect.IGNORED, _CALM),
    "--cache": Option(OptionEffect.IGNORED, _INSTALLED),
    "--node-options": Option(OptionEffect.VARIABLE, "NODE_OPTIONS"),
    "--registry": Option(OptionEffect.INDEX),
    "--no-audit": Option(OptionEffect.SWITCH, _INSTALLED),
    "--no-fund": Option(OptionEffect.SWITCH, _INSTALLED),
    "--no-update-notifier": Option(OptionEffect.SWITCH, _INSTALLED),
    "--no-progress": Option(OptionEffect.SWITCH, _CALM),
    "--no-color": Option(OptionEffect.SWITCH, _CALM),
    "--verbose": Option(OptionEffect.SWITCH, _CALM),
    "--audit": Option(OptionEffect.SWITCH, _INSTALLED),
    "--fund": Option(OptionEffect.SWITCH, _INSTALLED),
    "--strict-ssl": Option(OptionEffect.SWITCH, "the base image's npm configuration says how packages are fetched"),
    "--workspaces": Option(OptionEffect.SWITCH, "there is no project in a container"),
    "--omit": Option(OptionEffect.IGNORED, _INSTALLED),
    "--userconfig": Option(OptionEffect.REFUSED, _REGISTRY),
    "--prefix": Option(
        OptionEffect.REFUSED, "it is a folder of the client's machine; publish the package or build an image"
    ),
    "-p": Option(OptionEffect.PACKAGE),
    "--package": Option(OptionEffect.PACKAGE),
    "-c": Option(OptionEffect.REFUSED, _SHELL),
    "--call": Option(OptionEffect.REFUSED, _SHELL),
}
_RUNNERS = {
    "npx": ((),),
    "bunx": ((),),
    "pnpx": ((),),
    "npm": (("exec",), ("x",)),
    "bun": (("x",),),
    "pnpm": (("dlx",),),
    "yarn": (("dlx",),),
}
PROGRAMS = frozenset({*_RUNNERS, "node", "nodejs"})
_IN_MODULES = re.compile(r"(?:.*[/\\])?node_modules[/\\]((?:@[^/\\@]+[/\\])?[^/\\@]+)[/\\](.+)")
# Where npm, pnpm, yarn and bun put what is installed for all projects; elsewhere a package may be a project's own.
_FOR_ALL = re.compile(
    r"(?:.*[/\\])?(?:lib|npm|nodejs|_npx[/\\][^/\\]+|global(?:[/\\][0-9]+)?|nvm[/\\]v[0-9.]+)[/\\]node_modules[/\\].*",
    re.IGNORECASE,
)


def read_node(program: str, args: Sequence[str], start: int, findings: Findings) -> ParsedEntry | None:
    """Reads the arguments of one of PROGRAMS from ``start`` on into a recipe; None when it is wrong."""
    if program in {"node", "nodejs"}:
        return _read_file(args, start, findings)
    for words in _RUNNERS[program]:
        if tuple(args[start : start + len(words)]) == words:
            return _read_package(program, args, start + len(words), findings)
    expected = " or ".join(f"'{program} {words[0]}'" for words in _RUNNERS[program])
    findings.error(
        f"args[{start}]" if start < len(args) else "args",
        f"runs a project of the client's machine; publish it as a package and write {expected}, or build an image of it"
        " and run it with docker",
    )
    return None


def _read_package(program: str, args: Sequence[str], start: int, findings: Findings) -> ParsedEntry | None:
    errors_before = len(findings.errors)
    read = parse_runner_arguments(program, _OPTIONS, args, start, findings)
    if len(findings.errors) > errors_before:
        return None
    # npm exec takes its options before and behind "--".
    named = [each for position, text in read.packages if (each := _package(position, text, findings)) is not None]
    position = read.start
    if position >= len(args) and not named:
        findings.error("args", "has no package")
        return None
    if read.packages and not named:
        return None
    if not read.packages:
        first = _package(position, program_at(args, position, findings), findings)
        if first is None:
            return None
        named, executable = [first], None
    else:
        executable = program_at(args, position, findings) if position < len(args) else named[0].program
    words = args[position + 1 :]
    wrong = indirect_error(named[0].name, executable, words, 0)
    if wrong:
        findings.error(f"args[{min(position + 1 + wrong[0], len(args) - 1)}]", wrong[1])
        return None
    also = tuple(_written(each) for each in named[1:])
    recipe = _recipe(named[0], executable, also, any(each.git for each in named))
    variables = {name: Secret(value) for name, value in read.variables.items()}
    return ParsedEntry(recipe=recipe, image=recipe.image, command=tuple(words), env=variables)


def _package(position: int, text: str, findings: Findings) -> Package | None:
    try:
        return npm_package(text)
    except PackageError as error:
        findings.error(f"args[{position}]", f"{quoted(text)} {error}")
        return None


def _written(package: Package) -> str:
    return f"{package.name}@{package.version}" if package.version else package.name


def _recipe(package: Package, executable: str | None, also: tuple[str, ...], git: bool) -> Recipe:
    return Recipe(RUNTIME, package.name, package.version, also, executable=executable, git=git)


def _read_file(args: Sequence[str], start: int, findings: Findings) -> ParsedEntry | None:
    word = args[start] if start < len(args) else ""
    match = _IN_MODULES.fullmatch(word)
    program = installed_program(word)
    if program:
        findings.error(f"args[{start}]", installed_program_error(program))
        return None
    if match:
        name, file = match[1].replace("\\", "/"), match[2].replace("\\", "/")
        package = _package(start, name, findings)
        if package is None or ".." in file.split("/"):
            return None
        if not _FOR_ALL.fullmatch(word):
            findings.error(
                f"args[{start}]",
                f"is a file of a project on the client's machine, and '{package.name}' may be its own, not"
                f" what npm has under that name; write npx -y {package.name} where npm's is meant",
            )
            return None
        recipe = Recipe(RUNTIME, package.name, file=file)
        findings.warn(f"args[{start}]", f"is taken to be '{file}' of the newest npm package '{name}'; rather write npx")
        return ParsedEntry(recipe=recipe, image=recipe.image, command=tuple(args[start + 1 :]))
    what = (
        f"node {quoted(word)} is not supported"
        if word.startswith("-")
        else f"{quoted(word)} is a file of the client's machine"
    )
    findings.error(
        f"args[{start}]" if start < len(args) else "args",
        f"{what if word else 'has no file'}; write npx with the package that it is from, or build an image of it and"
        " run it with docker",
    )
    return None
