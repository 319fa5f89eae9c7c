# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making a template from the command line.

    python -m ansible_collections.mcp.orchestrator.plugins.module_utils.template.program FILE --to FOLDER

Exit code 0 where the template is written, else 1 with the reasons on stderr; nothing is written then.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import replace_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.document import parse, read_text
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import TemplateRegistry
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.archive import (
    MANIFEST,
    is_archive,
    manifest_text,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.conversion import Conversion, added, convert

_MODE = 0o644


def main(arguments: Sequence[str]) -> int:
    """Makes the template that ``arguments`` ask for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="template", description="Make a template of a published server.")
    parser.add_argument("file", help="a server.json, or an MCPB bundle or its manifest.json")
    parser.add_argument("--name", help="the template's; the server's own without it")
    parser.add_argument("--package", type=int, help="which of several packages, from 0 on; the first that can run")
    parser.add_argument("--to", required=True, help="the folder of the templates")
    parser.add_argument("--shipped", help="the folder of the templates of the release, whose names are taken")
    options = parser.parse_args(arguments)
    label = os.path.basename(options.file)
    try:
        found = convert(_value(options.file, label), options.name or None, options.package)
        if found.template is None:
            raise ConfigFileError([ConfigError(label, each.key, each.text) for each in found.errors])
        path, number, is_new = _write(found, options.to, options.shipped)
    except ConfigFileError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except RecursionError:
        sys.stderr.write(f"{label}: is nested too deeply for a published server\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename or options.file}: {error.strerror or error}\n")
        return 1
    sys.stdout.write("\n".join([*_told(found, path, number, is_new), ""]))
    return 0


def _value(path: str, label: str) -> Any:
    try:
        if is_archive(path):
            label = f"{label}: {MANIFEST}"
            return parse(manifest_text(path, label), label)
    except OSError as error:
        raise ConfigFileError([ConfigError(label, "", f"cannot be read: {error.strerror}")]) from error
    return parse(read_text(path, label), label)


def _write(found: Conversion, folder: str, shipped: str | None) -> tuple[str, str, bool]:
    """Writes the template, as another version where there is one of its name; returns where, and which it is."""
    path, template = os.path.join(folder, f"{found.name}.json"), found.template or {}
    if shipped and os.path.exists(os.path.join(shipped, f"{found.name}.json")):
        text = "is a template of the release, which an update writes anew; give yours another name: NAME=…"
        raise ConfigFileError([ConfigError(path, "", text)])
    existing = TemplateRegistry(folder).template(found.name) if os.path.exists(path) else {}
    whole, number = added(existing, template)
    if whole != existing:
        replace_file(path, json.dumps(whole, indent=2, ensure_ascii=False).encode() + b"\n", _MODE)
    return path, number, number not in existing.get("versions", {})


def _told(found: Conversion, path: str, number: str, is_new: bool) -> list[str]:
    version = (found.template or {})["versions"]["1"]
    lines = [f"{path}: {found.name}@{number}{'' if is_new else ', which was there already'}"]
    lines += [f"  needs {name}: {what}" for name, what in version.get("required_env", {}).items()]
    if found.notes:
        lines.append("what the template does not have of the file:")
        lines += [f"  {each}" for each in found.notes]
    env = dict.fromkeys(version.get("required_env", {}), "…")
    entry = {"template": f"{found.name}@{number}", **({"env": env} if env else {})}
    return [*lines, f"an entry: {json.dumps({found.name: entry}, ensure_ascii=False)}"]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
