# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checking a config from the command line, touching nothing.

    python -m ansible_collections.mcp.orchestrator.plugins.module_utils.config.check [--settings FILE] CONFIG...

What each server becomes is printed on stdout; every error and warning on stderr. Exit code 0 when there is no error,
else 1. References are checked for their form alone: nothing is asked for their values.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import read_key


def main(arguments: Sequence[str]) -> int:
    """Checks the configs that ``arguments`` name; returns the exit code."""
    parser = argparse.ArgumentParser(prog="check", description="Validate and explain a config, touching nothing.")
    parser.add_argument("config", nargs="+", help="a config file, or a folder of them")
    parser.add_argument("--settings", help="the settings file; its folder holds the templates")
    options = parser.parse_args(arguments)
    try:
        fleet = read_fleet(options.config, options.settings, read_key(None), EmptyResolver())
    except ConfigFileError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{report(fleet)}\n")
    for warning in fleet.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    for problem in fleet.errors:
        sys.stderr.write(f"error: {problem}\n")
    return 1 if fleet.errors else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
