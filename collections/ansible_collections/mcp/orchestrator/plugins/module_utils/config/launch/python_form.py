# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries that start a server with uvx, uv, pipx or python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.indirect import indirect_error
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.local_code import is_of_none, module_error
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.package import (
    Package,
    PackageError,
    pypi_package,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.package_runner_parser import (
    Option,
    OptionEffect,
    RunnerArguments,
    parse_runner_arguments,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.program import (
    program_at,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import quoted

RUNTIME = "python"
PYTHON = re.compile(r"python(3(\.[0-9]+)?)?|py")
_PROJECT = "it is a folder of the client's machine; publish the package, or build an image of it and run it with docker"
_INSTALLED = "the package is installed when the image is built"
_INDEX = "the base image's pip configuration says where packages come from"
_VERSION = "the runtime template's Python is used"
_CALM = "nobody reads what uv says"

_UV = {
    "-q": Option(OptionEffect.SWITCH, _CALM),
    "--quiet": Option(OptionEffect.SWITCH, _CALM),
    "-v": Option(OptionEffect.SWITCH, _CALM),
    "--verbose": Option(OptionEffect.SWITCH, _CALM),
    "--no-progress": Option(OptionEffect.SWITCH, _CALM),
    "-n": Option(OptionEffect.SWITCH, _INSTALLED),
    "--no-cache": Option(OptionEffect.SWITCH, _INSTALLED),
    "--refresh": Option(OptionEffect.SWITCH, _INSTALLED),
    "--offline": Option(OptionEffect.SWITCH, _INSTALLED),
    "--isolated": Option(OptionEffect.SWITCH, _INSTALLED),
    "-U": Option(OptionEffect.SWITCH, _INSTALLED),
    "--upgrade": Option(OptionEffect.SWITCH, _INSTALLED),
    "--reinstall": Option(OptionEffect.SWITCH, _INSTALLED),
    "--force-reinstall": Option(OptionEffect.SWITCH, _INSTALLED),
    "--native-tls": Option(OptionEffect.SWITCH, _INDEX),
    "--no-config": Option(OptionEffect.SWITCH, _INDEX),
    "--no-project": Option(OptionEffect.SWITCH, "there is no project in a container"),
    "--no-sync": Option(OptionEffect.SWITCH, "there is no project in a container"),
    "--frozen": Option(OptionEffect.SWITCH, "there is no project in a container"),
    "--locked": Option(OptionEffect.SWITCH, "there is no project in a container"),
    "--active": Option(OptionEffect.SWITCH, "there is no project in a container"),
    "--managed-python": Option(OptionEffect.SWITCH, _VERSION),
    "--no-managed-python": Option(OptionEffect.SWITCH, _VERSION),
    "-p": Option(OptionEffect.IGNORED, _VERSION),
    "--python": Option(OptionEffect.IGNORED, _VERSION),
    "--python-preference": Option(OptionEffect.IGNORED, _VERSION),
    "--refresh-package": Option(OptionEffect.IGNORED, _INSTALLED),
    "--upgrade-package": Option(OptionEffect.IGNORED, _INSTALLED),
    "--cache-dir": Option(OptionEffect.IGNORED, _INSTALLED),
    "--link-mode": Option(OptionEffect.IGNORED, _INSTALLED),
    "--color": Option(OptionEffect.IGNORED, _CALM),
    "--prerelease": Option(OptionEffect.PRERELEASE),
    "--exclude-newer": Option(OptionEffect.REFUSED, "write the version of the package"),
    "-c": Option(OptionEffect.REFUSED, "write the versions with the packages"),
    "--constraints": Option(OptionEffect.REFUSED, "write the versions with the packages"),
    "-i": Option(OptionEffect.INDEX),
    "--index": Option(OptionEffect.INDEX),
    "--index-url": Option(OptionEffect.INDEX),
    "--default-index": Option(OptionEffect.INDEX),
    "--extra-index-url": Option(OptionEffect.INDEX),
    "--find-links": Option(OptionEffect.INDEX),
    "--index-strategy": Option(OptionEffect.IGNORED, _INDEX),
    "--keyring-provider": Option(OptionEffect.IGNORED, _INDEX),
    "--allow-insecure-host": Option(OptionEffect.IGNORED, _INDEX),
    "--trusted-host": Option(OptionEffect.IGNORED, _INDEX),
    "--no-env-file": Option(OptionEffect.SWITCH, "there is no file of variables in a container"),
    "--compile-bytecode": Option(OptionEffect.SWITCH, _INSTALLED),
    "--no-python-downloads": Option(OptionEffect.SWITCH, _VERSION),
    "--env-file": Option(OptionEffect.REFUSED, "write envFile in the entry"),
    "--directory": Option(OptionEffect.REFUSED, _PROJECT),
    "--project": Option(OptionEffect.REFUSED, _PROJECT),
    "--with-editable": Option(OptionEffect.REFUSED, _PROJECT),
    "--with-requirements": Option(OptionEffect.REFUSED, "write the packages with --with"),
    "-w": Option(OptionEffect.PACKAGE),
    "--with": Option(OptionEffect.PACKAGE),
}
_UVX = {**_UV, "--from": Option(OptionEffect.SOURCE)}
_UV_RUN = {
    **_UV,
    "-m": Option(OptionEffect.MODULE),
    "--module": Option(OptionEffect.MODULE),
    "--package": Option(OptionEffect.REFUSED, _PROJECT),
    "--script": Option(OptionEffect.REFUSED_SWITCH, _PROJECT),
    "-s": Option(OptionEffect.REFUSED_SWITCH, _PROJECT),
    "--extra": Option(OptionEffect.REFUSED, _PROJECT),
    "--group": Option(OptionEffect.REFUSED, _PROJECT),
    "--dev": Option(OptionEffect.SWITCH, "there is no project in a container"),
    "--no-dev": Option(OptionEffect.SWITCH, "there is no project in a container"),
    "--all-extras": Option(OptionEffect.SWITCH, "there is no project in a container"),
}
_PIPX = {
    "--spec": Option(OptionEffect.SOURCE),
    "--with": Option(OptionEffect.PACKAGE),
    "--no-cache": Option(OptionEffect.SWITCH, _INSTALLED),
    "-q": Option(OptionEffect.SWITCH, _CALM),
    "--quiet": Option(OptionEffect.SWITCH, _CALM),
    "--python": Option(OptionEffect.IGNORED, _VERSION),
    "--pip-args": Option(OptionEffect.REFUSED, _INDEX),
    "-i": Option(OptionEffect.INDEX),
    "--index-url": Option(OptionEffect.INDEX),
}
_PYTHON_OPTIONS = frozenset({"-W", "-X"})
_PYTHON_SWITCHES = frozenset({"-u", "-I", "-E", "-s", "-S", "-B", "-O", "-OO", "-q", "-P"}) | _PYTHON_OPTIONS
_IMAGE = "build an image of it and run it with docker"


def is_python_program(program: str) -> bool:
    """Returns whether read_python knows the program."""
    return program in {"uvx", "uv", "pipx"} or bool(PYTHON.fullmatch(program))


def read_python(program: str, args: Sequence[str], start: int, folder: str, findings: Findings) -> ParsedEntry | None:
    """Reads the arguments of uvx, uv, pipx or python from ``start`` on into a recipe; None when it is wrong.

    ``folder`` is the key that names a folder of modules of the client's machine, or empty.
    """
    if program == "uvx":
        return _run_tool("uvx", args, parse_runner_arguments("uvx", _UVX, args, start, findings), findings)
    if program == "uv":
        return _read_uv(args, start, findings)
    if program == "pipx":
        if tuple(args[start : start + 1]) == ("run",):
            read = parse_runner_arguments("pipx run", _PIPX, args, start + 1, findings)
            return _run_tool("pipx run", args, read, findings)
        findings.error(_where(args, start), "does not start a server; write 'pipx run' or uvx and the package")
        return None
    return _read_python(args, start, folder, findings)


def _where(args: Sequence[str], position: int) -> str:
    return f"args[{position}]" if position < len(args) else "args"


def _read_uv(args: Sequence[str], start: int, findings: Findings) -> ParsedEntry | None:
    errors_before = len(findings.errors)
    before = parse_runner_arguments("uv", _UV, args, start, findings)
    if len(findings.errors) > errors_before:
        return None
    words = list(args[before.start : before.start + 2])
    if words == ["tool", "run"] or words[:1] == ["x"]:
        begin = before.start + (1 if words[:1] == ["x"] else 2)
        read = parse_runner_arguments("uv tool run", _UVX, args, begin, findings)
        return _run_tool("uv tool run", args, read, findings)
    if words[:1] != ["run"]:
        findings.error(
            _where(args, before.start), "does not start a server; write 'uv run --with PACKAGE PROGRAM' or uvx"
        )
        return None
    read = parse_runner_arguments("uv run", _UV_RUN, args, before.start + 1, findings)
    if len(findings.errors) > errors_before:
        return None
    return _run_in_environment(args, read, findings)


def _run_tool(tool: str, args: Sequence[str], read: RunnerArguments, findings: Findings) -> ParsedEntry | None:
    """``uvx [--from PACKAGE] PROGRAM``: the program, or the package that bears its name."""
    if read.start >= len(args):
        findings.error("args", f"has nothing that {tool} could run")
        return None
    if PYTHON.fullmatch(args[read.start].partition("@")[0]) and not (read.source and read.source[1] == "python"):
        # uv runs the interpreter itself: https://docs.astral.sh/uv/guides/tools/#requesting-python-versions
        packages = [*([read.source] if read.source else []), *read.packages]
        return _run_in_environment(args, replace(read, packages=packages), findings)
    also = _packages(read.packages, findings)
    program = program_at(args, read.start, findings)
    package = _package(*(read.source or (read.start, program)), findings)
    if package is None or also is None:
        return None
    if read.source and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", program):
        findings.error(f"args[{read.start}]", f"{quoted(program)} is not the name of a program")
        return None
    executable = program if read.source else package.program
    return _parsed_entry(args, read.start, package, also, findings, executable=executable, prerelease=read.prerelease)


def _run_in_environment(args: Sequence[str], read: RunnerArguments, findings: Findings) -> ParsedEntry | None:
    """``uv run --with PACKAGE PROGRAM``: a program of the packages."""
    packages = _packages(read.packages, findings)
    word = args[read.start] if read.start < len(args) else ""
    if packages is None:
        return None
    if not packages:
        findings.error(
            _where(args, read.start),
            "runs a project of the client's machine; publish it as a package and write uvx, or build an image of it"
            " and run it with docker",
        )
        return None
    word = program_at(args, read.start, findings) if word else ""
    module = read.module
    if PYTHON.fullmatch(word) and list(args[read.start + 1 : read.start + 2]) == ["-m"] and read.start + 2 < len(args):
        module = (read.start + 2, args[read.start + 2])
    if module is not None:
        named = [package.name for package in packages]
        if is_of_none(module[1], named):
            findings.error(f"args[{module[0]}]", f"{quoted(module[1])} is a module of the client's machine; {_IMAGE}")
            return None
        return _parsed_entry(
            args, module[0], packages[0], packages[1:], findings, module=module[1], prerelease=read.prerelease
        )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", word) or word.endswith(".py"):
        findings.error(
            _where(args, read.start), f"{quoted(word) if word else 'nothing'} is not a program of a package; {_IMAGE}"
        )
        return None
    return _parsed_entry(
        args, read.start, packages[0], packages[1:], findings, executable=word, prerelease=read.prerelease
    )


def _read_python(args: Sequence[str], start: int, folder: str, findings: Findings) -> ParsedEntry | None:
    position = _behind_switches(args, start)
    word = args[position] if position < len(args) else ""
    glued = word.startswith("-m") and len(word) > 2
    if not word.startswith("-m") or (not glued and position + 1 >= len(args)):
        what = (
            f"{quoted(word)} is a file of the client's machine" if word and word[0] != "-" else "does not run a package"
        )
        findings.error(
            _where(args, position),
            f"{what}; write uvx with the package that it is from, or {_IMAGE}",
        )
        return None
    position, module = (position, word[2:]) if glued else (position + 1, args[position + 1])
    problem = module_error(module, folder)
    if problem:
        findings.error(f"args[{position}]", problem)
        return None
    name = module.split(".")[0].replace("_", "-")
    findings.warn(
        f"args[{position}]",
        f"is taken to be of the newest PyPI package '{printable(name)}'; where that is wrong write uvx",
    )
    return _parsed_entry(args, position, Package(name, None, None), [], findings, module=module)


def _behind_switches(args: Sequence[str], position: int) -> int:
    while position < len(args) and (
        args[position] in _PYTHON_SWITCHES or re.fullmatch(r"-3(\.[0-9]+)?", args[position])
    ):
        position += 2 if args[position] in _PYTHON_OPTIONS else 1
    return position


def _packages(named: Sequence[tuple[int, str]], findings: Findings) -> list[Package] | None:
    read = [_package(position, text, findings) for position, text in named]
    found = [package for package in read if package is not None]
    return found if len(found) == len(read) else None


def _package(position: int, text: str, findings: Findings) -> Package | None:
    try:
        return pypi_package(text)
    except PackageError as error:
        findings.error(f"args[{position}]", f"{quoted(text)} {error}")
        return None


def _parsed_entry(
    args: Sequence[str],
    position: int,
    package: Package,
    also: Sequence[Package],
    findings: Findings,
    *,
    executable: str | None = None,
    module: str | None = None,
    prerelease: bool = False,
) -> ParsedEntry | None:
    words = args[position + 1 :]
    wrong = indirect_error(package.name, module or executable, words, len(also) + (package.program != executable))
    if wrong:
        findings.error(f"args[{position + 1 + wrong[0]}]", wrong[1])
        return None
    recipe = Recipe(
        RUNTIME,
        package.name,
        package.version,
        tuple(f"{each.name}{each.version or ''}" for each in also),
        executable=executable,
        module=module,
        git=package.git or any(each.git for each in also),
        prerelease=prerelease,
    )
    return ParsedEntry(recipe=recipe, image=recipe.image, command=tuple(words))
