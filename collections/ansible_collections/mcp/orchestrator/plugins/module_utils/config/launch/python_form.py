# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries that start a server with uvx, uv, pipx or python."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.package import (
    Package,
    PackageError,
    pypi_package,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.package_runner_parser import (
    Option,
    ToolArguments,
    Use,
    read_tool_arguments,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import Draft
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secrecy import called, looks_secret

RUNTIME = "python"
PYTHON = re.compile(r"python(3(\.[0-9]+)?)?|py")
_PROJECT = "it is a folder of the client's machine; publish the package, or build an image of it and run it with docker"
_INSTALLED = "the package is installed when the image is built"
_INDEX = "the base image's pip configuration says where packages come from"
_VERSION = "the runtime template's Python is used"
_CALM = "nobody reads what uv says"

_UV = {
    "-q": Option(Use.SWITCH, _CALM),
    "--quiet": Option(Use.SWITCH, _CALM),
    "-v": Option(Use.SWITCH, _CALM),
    "--verbose": Option(Use.SWITCH, _CALM),
    "--no-progress": Option(Use.SWITCH, _CALM),
    "-n": Option(Use.SWITCH, _INSTALLED),
    "--no-cache": Option(Use.SWITCH, _INSTALLED),
    "--refresh": Option(Use.SWITCH, _INSTALLED),
    "--offline": Option(Use.SWITCH, _INSTALLED),
    "--isolated": Option(Use.SWITCH, _INSTALLED),
    "-U": Option(Use.SWITCH, _INSTALLED),
    "--upgrade": Option(Use.SWITCH, _INSTALLED),
    "--reinstall": Option(Use.SWITCH, _INSTALLED),
    "--force-reinstall": Option(Use.SWITCH, _INSTALLED),
    "--native-tls": Option(Use.SWITCH, _INDEX),
    "--no-config": Option(Use.SWITCH, _INDEX),
    "--no-project": Option(Use.SWITCH, "there is no project in a container"),
    "--no-sync": Option(Use.SWITCH, "there is no project in a container"),
    "--frozen": Option(Use.SWITCH, "there is no project in a container"),
    "--locked": Option(Use.SWITCH, "there is no project in a container"),
    "--active": Option(Use.SWITCH, "there is no project in a container"),
    "--managed-python": Option(Use.SWITCH, _VERSION),
    "--no-managed-python": Option(Use.SWITCH, _VERSION),
    "-p": Option(Use.IGNORED, _VERSION),
    "--python": Option(Use.IGNORED, _VERSION),
    "--python-preference": Option(Use.IGNORED, _VERSION),
    "--refresh-package": Option(Use.IGNORED, _INSTALLED),
    "--upgrade-package": Option(Use.IGNORED, _INSTALLED),
    "--cache-dir": Option(Use.IGNORED, _INSTALLED),
    "--link-mode": Option(Use.IGNORED, _INSTALLED),
    "--color": Option(Use.IGNORED, _CALM),
    "--prerelease": Option(Use.REFUSED, "write the version of the package"),
    "--exclude-newer": Option(Use.REFUSED, "write the version of the package"),
    "-c": Option(Use.REFUSED, "write the versions with the packages"),
    "--constraints": Option(Use.REFUSED, "write the versions with the packages"),
    "-i": Option(Use.REFUSED, _INDEX),
    "--index": Option(Use.REFUSED, _INDEX),
    "--index-url": Option(Use.REFUSED, _INDEX),
    "--default-index": Option(Use.REFUSED, _INDEX),
    "--extra-index-url": Option(Use.REFUSED, _INDEX),
    "--find-links": Option(Use.REFUSED, _INDEX),
    "--index-strategy": Option(Use.REFUSED, _INDEX),
    "--env-file": Option(Use.REFUSED, "write envFile in the entry"),
    "--directory": Option(Use.REFUSED, _PROJECT),
    "--project": Option(Use.REFUSED, _PROJECT),
    "--with-editable": Option(Use.REFUSED, _PROJECT),
    "--with-requirements": Option(Use.REFUSED, "write the packages with --with"),
    "-w": Option(Use.PACKAGE),
    "--with": Option(Use.PACKAGE),
}
_UVX = {**_UV, "--from": Option(Use.SOURCE)}
_UV_RUN = {
    **_UV,
    "-m": Option(Use.MODULE),
    "--module": Option(Use.MODULE),
    "--package": Option(Use.REFUSED, _PROJECT),
    "--script": Option(Use.REFUSED_SWITCH, _PROJECT),
    "-s": Option(Use.REFUSED_SWITCH, _PROJECT),
    "--extra": Option(Use.REFUSED, _PROJECT),
    "--group": Option(Use.REFUSED, _PROJECT),
    "--dev": Option(Use.SWITCH, "there is no project in a container"),
    "--no-dev": Option(Use.SWITCH, "there is no project in a container"),
    "--all-extras": Option(Use.SWITCH, "there is no project in a container"),
}
_PIPX = {
    "--spec": Option(Use.SOURCE),
    "--with": Option(Use.PACKAGE),
    "--no-cache": Option(Use.SWITCH, _INSTALLED),
    "-q": Option(Use.SWITCH, _CALM),
    "--quiet": Option(Use.SWITCH, _CALM),
    "--python": Option(Use.IGNORED, _VERSION),
    "--pip-args": Option(Use.REFUSED, _INDEX),
    "-i": Option(Use.REFUSED, _INDEX),
    "--index-url": Option(Use.REFUSED, _INDEX),
}
_PYTHON_SWITCHES = frozenset({"-u", "-I", "-E", "-s", "-S", "-B", "-O", "-OO", "-q", "-3"})
# Modules that are no package's name but somebody's own code.
_OWN_CODE = frozenset(
    {"app", "application", "api", "backend", "bot", "cli", "client", "code", "core", "demo", "example", "examples"}
    | {"main", "mcp_server", "my_mcp_server", "my_server", "project", "run", "script", "scripts", "server", "servers"}
    | {"service", "src", "start", "test", "tests", "tool", "tools"}
)


def is_python_program(program: str) -> bool:
    """Whether read_python knows the program."""
    return program in {"uvx", "uv", "pipx"} or bool(PYTHON.fullmatch(program))


def read_python(program: str, args: Sequence[str], start: int, findings: Findings) -> Draft | None:
    """Reads the arguments of uvx, uv, pipx or python from ``start`` on into a recipe; None when that cannot be told."""
    if program == "uvx":
        return _run_tool("uvx", args, read_tool_arguments("uvx", _UVX, args, start, findings), findings)
    if program == "uv":
        return _read_uv(args, start, findings)
    if program == "pipx":
        if tuple(args[start : start + 1]) == ("run",):
            read = read_tool_arguments("pipx run", _PIPX, args, start + 1, findings)
            return _run_tool("pipx run", args, read, findings)
        findings.error(_where(args, start), "starts nothing; write 'pipx run' or uvx and the package")
        return None
    return _read_python(args, start, findings)


def _where(args: Sequence[str], position: int) -> str:
    return f"args[{position}]" if position < len(args) else "args"


def _read_uv(args: Sequence[str], start: int, findings: Findings) -> Draft | None:
    errors_before = len(findings.errors)
    before = read_tool_arguments("uv", _UV, args, start, findings)
    if len(findings.errors) > errors_before:
        return None
    words = list(args[before.start : before.start + 2])
    if words == ["tool", "run"] or words[:1] == ["x"]:
        begin = before.start + (1 if words[:1] == ["x"] else 2)
        read = read_tool_arguments("uv tool run", _UVX, args, begin, findings)
        return _run_tool("uv tool run", args, read, findings)
    if words[:1] != ["run"]:
        findings.error(_where(args, before.start), "starts nothing; write 'uv run --with PACKAGE PROGRAM' or uvx")
        return None
    read = read_tool_arguments("uv run", _UV_RUN, args, before.start + 1, findings)
    if len(findings.errors) > errors_before:
        return None
    return _run_in_environment(args, read, findings)


def _run_tool(tool: str, args: Sequence[str], read: ToolArguments, findings: Findings) -> Draft | None:
    """``uvx [--from PACKAGE] PROGRAM``: the program, or the package that bears its name."""
    if read.start >= len(args):
        findings.error("args", f"names nothing that {tool} could run")
        return None
    also = _packages(read.packages, findings)
    program = args[read.start]
    package = _package(*(read.source or (read.start, program)), findings)
    if package is None or also is None:
        return None
    if read.source and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", program):
        findings.error(f"args[{read.start}]", f"{called(program)} is not the name of a program")
        return None
    executable = program if read.source else package.program
    return _draft(args, read.start, package, also, executable=executable)


def _run_in_environment(args: Sequence[str], read: ToolArguments, findings: Findings) -> Draft | None:
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
    if read.module is not None:
        return _draft(args, read.module[0], packages[0], packages[1:], module=read.module[1])
    if PYTHON.fullmatch(word) and list(args[read.start + 1 : read.start + 2]) == ["-m"] and read.start + 2 < len(args):
        return _draft(args, read.start + 2, packages[0], packages[1:], module=args[read.start + 2])
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", word) or word.endswith(".py"):
        findings.error(
            _where(args, read.start),
            f"{called(word) if word else 'nothing'} is not a program of a package; build an image of it and run it"
            " with docker",
        )
        return None
    files = [position for position in range(read.start + 1, len(args)) if args[position].endswith(".py")]
    if files:
        findings.error(
            f"args[{files[0]}]",
            f"{called(args[files[0]])} is a file of the client's machine; build an image of it and run it with docker",
        )
        return None
    return _draft(args, read.start, packages[0], packages[1:], executable=word)


def _read_python(args: Sequence[str], start: int, findings: Findings) -> Draft | None:
    position = start
    while position < len(args) and args[position] in _PYTHON_SWITCHES:
        position += 1
    word = args[position] if position < len(args) else ""
    if word != "-m" or position + 1 >= len(args):
        what = f"{called(word)} is a file of the client's machine" if word and word[0] != "-" else "runs no package"
        findings.error(
            _where(args, position),
            f"{what}; write uvx with the package that it is from, or build an image of it and run it with docker",
        )
        return None
    module = args[position + 1]
    top = module.split(".")[0]
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module, re.ASCII) or top in _OWN_CODE or looks_secret(module):
        findings.error(
            f"args[{position + 1}]",
            f"{called(module)} is a module of the client's machine; write uvx with the package that it is from, or"
            " build an image of it and run it with docker",
        )
        return None
    name = top.replace("_", "-")
    findings.warn(
        f"args[{position + 1}]",
        f"is taken to be of the newest PyPI package '{printable(name)}'; where that is wrong write uvx",
    )
    return _draft(args, position + 1, Package(name, None, None), [], module=module)


def _packages(named: Sequence[tuple[int, str]], findings: Findings) -> list[Package] | None:
    read = [_package(position, text, findings) for position, text in named]
    found = [package for package in read if package is not None]
    return found if len(found) == len(read) else None


def _package(position: int, text: str, findings: Findings) -> Package | None:
    try:
        return pypi_package(text)
    except PackageError as error:
        findings.error(f"args[{position}]", f"{called(text)} {error}")
        return None


def _draft(
    args: Sequence[str],
    position: int,
    package: Package,
    also: Sequence[Package],
    *,
    executable: str | None = None,
    module: str | None = None,
) -> Draft:
    recipe = Recipe(
        RUNTIME,
        package.name,
        package.version,
        tuple(f"{each.name}{each.version or ''}" for each in also),
        executable=executable,
        module=module,
        git=package.git or any(each.git for each in also),
    )
    return Draft(recipe=recipe, image=recipe.image, command=tuple(args[position + 1 :]))
