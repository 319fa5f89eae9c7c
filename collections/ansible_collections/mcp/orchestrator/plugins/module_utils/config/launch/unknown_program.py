# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that no image can be built for, and what to write instead."""

from __future__ import annotations

import re

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.indirect import LOADERS, loader_error
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.program import (
    Program,
    installed_program,
    installed_program_error,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import quoted

_SHELLS = frozenset({"sh", "bash", "zsh", "fish", "dash", "ksh", "nu", "powershell", "pwsh", "cmd"})
_OTHERS = frozenset({"java", "go", "deno", "dotnet", "dnx", "cargo", "ruby", "php", "perl", "tsx", "ts-node", "make"})
# Tools that start a program out of an environment or a sandbox of the client's machine, or on yet another machine.
_ENVIRONMENTS = frozenset(
    {"conda", "mamba", "micromamba", "poetry", "pdm", "hatch", "pipenv", "rye", "pixi", "nix", "nix-shell", "devbox"}
    | {"flatpak", "snap", "distrobox", "toolbox", "devcontainer", "vagrant", "kubectl", "ssh", "lima", "limactl", "orb"}
    | {"mise", "rtx", "asdf", "pyenv", "nodenv", "nvm", "fnm", "volta", "guix", "apptainer", "singularity"}
)
_WAY_OUT = "write docker run with an image that has it, or npx or uvx with the package that it is from"


def unknown_program_error(program: Program) -> str:
    """Returns why the program cannot be run in a container, with the way out."""
    name, path = program.name, program.path
    if not path.strip():
        return f"is empty; {_WAY_OUT}"
    if installed_program(path):
        return installed_program_error(installed_program(path))
    if re.search(r"\s", path.strip()) and not re.match(r"[A-Za-z]:[\\/]|/", path):
        first = path.split()[0]
        return f"begins with {quoted(first)} and has more words; put the others into args, one by one"
    if name in _SHELLS:
        return f"'{name}' starts a line that cannot be split safely; write the program in command, its words in args"
    if name in LOADERS:
        return loader_error(name)
    if name in _OTHERS:
        return f"'{name}' has no runtime template; build an image of the server and run it with docker"
    if name in _ENVIRONMENTS:
        return f"'{name}' starts a program in an environment of the client's machine; {_WAY_OUT}"
    return f"{quoted(path)} is a program of the client's machine, and servers run in containers; {_WAY_OUT}"
