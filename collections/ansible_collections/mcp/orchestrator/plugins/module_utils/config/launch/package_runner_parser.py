# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Splitting the arguments of npx, uvx and their kin into their own options and what they run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable, suggestion
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.package_index import check_index
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import quoted


class OptionEffect(Enum):
    """What becomes of an option."""

    SWITCH = "a switch that changes nothing in a container"
    IGNORED = "takes a value and changes nothing in a container"
    PACKAGE = "names a further package"
    SOURCE = "names the package that the program is from"
    MODULE = "names a module to run"
    INDEX = "takes the address of a registry"
    VARIABLE = "takes the value of a variable, which the note names"
    PRERELEASE = "says whether versions before a release are installed"
    REFUSED = "takes a value and is refused"
    REFUSED_SWITCH = "is refused"


@dataclass(frozen=True)
class Option:
    """An option: what becomes of it, and why it is ignored or refused."""

    effect: OptionEffect
    note: str = ""


@dataclass
class RunnerArguments:
    """``packages``, ``source`` and ``module`` with their positions; what is run begins at ``start``.

    ``variables`` are those that options set for the program.
    """

    packages: list[tuple[int, str]] = field(default_factory=list)
    source: tuple[int, str] | None = None
    module: tuple[int, str] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    prerelease: bool = False
    start: int = 0


def parse_runner_arguments(
    tool: str, options: Mapping[str, Option], args: Sequence[str], start: int, findings: Findings
) -> RunnerArguments:
    """Reads the options of ``tool`` from ``args[start]`` on, up to the first word that is none."""
    result = RunnerArguments()
    position = start
    while position < len(args):
        word = args[position]
        if word == "--":
            position += 1
            break
        if not word.startswith("-") or word == "-":
            break
        if re.match(r"--?[A-Za-z][A-Za-z0-9-]*\s+\S", word):
            findings.error(f"args[{position}]", f"{quoted(word)} are several words; write each on its own")
            position += 1
            continue
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:3] and "=", word[2:])
        option = options.get(name)
        if option is None:
            known = suggestion(name, options)
            findings.error(f"args[{position}]", f"'{printable(name)}' is not a known option of {tool}{known}")
            position += 1
            continue
        where = position
        if option.effect not in {OptionEffect.SWITCH, OptionEffect.REFUSED_SWITCH} and not equals:
            position += 1
            where = position
            if position >= len(args):
                findings.error(f"args[{position - 1}]", f"'{name}' needs a value")
                break
            value = args[position]
        _apply(option, name, (where, value), result, findings)
        position += 1
        if result.module is not None:
            break
    result.start = position
    return result


def _apply(option: Option, name: str, found: tuple[int, str], result: RunnerArguments, findings: Findings) -> None:
    position, value = found
    if option.effect is OptionEffect.PACKAGE:
        result.packages += [(position, each.strip()) for each in value.split(",") if each.strip()]
    elif option.effect is OptionEffect.SOURCE:
        result.source = found
    elif option.effect is OptionEffect.MODULE:
        result.module = found
    elif option.effect is OptionEffect.INDEX:
        check_index(f"args[{position}]", name, value, findings)
    elif option.effect is OptionEffect.VARIABLE:
        result.variables[option.note] = value
        findings.explain(f"args[{position}]", f"'{name}' sets {option.note}, as npm does")
    elif option.effect is OptionEffect.PRERELEASE:
        result.prerelease = value == "allow"
        findings.explain(
            f"args[{position}]",
            f"'{name}' with {quoted(value)} "
            + ("is pip's --pre" if result.prerelease else "is ignored: pip takes one only where there is nothing else"),
        )
    elif option.effect is OptionEffect.IGNORED:
        findings.explain(f"args[{position}]", f"'{name}' with {quoted(value)} is ignored: {option.note}")
    elif option.effect is OptionEffect.SWITCH:
        findings.explain(f"args[{position}]", f"'{name}' is ignored: {option.note}")
    else:
        findings.error(f"args[{position}]", f"'{name}' is not supported: {option.note}")
