# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every key of an MCPB bundle's ``manifest.json``, up to the manifest's version 0.4.

https://github.com/modelcontextprotocol/mcpb/blob/main/schemas/mcpb-manifest-v0.4.schema.json
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.shape import (
    Anything,
    Either,
    Key,
    Listing,
    Number,
    Record,
    Shape,
    Switch,
    Table,
    Text,
)

VERSIONS = ("0.1", "0.2", "0.3", "0.4")
_WORD = Text()
_ANY_NUMBER = Number(-(2**63), 2**63, whole=False)


def _record(meaning: str, **keys: Shape) -> Record:
    return Record({name: Key(shape, "") for name, shape in keys.items()}, meaning)


OPTION = _record(
    'an option: {"type": "string", "title": "…"}',
    type=Text(choices=("string", "number", "boolean", "directory", "file")),
    title=_WORD,
    description=_WORD,
    required=Switch(),
    default=Either(
        (_WORD, Switch(), _ANY_NUMBER, Listing(_WORD)), "a string, a number, true or false, or a list of strings"
    ),
    multiple=Switch(),
    sensitive=Switch(),
    min=_ANY_NUMBER,
    max=_ANY_NUMBER,
)
_LAUNCH: Mapping[str, Shape] = {"command": _WORD, "args": Listing(_WORD), "env": Table(_WORD)}
LAUNCH = _record(
    'how it is started: {"command": "node", "args": […]}',
    **_LAUNCH,
    platform_overrides=Table(_record("an object: {…}", **_LAUNCH)),
)
SERVER = _record(
    'the server: {"type": "node", "mcp_config": {…}}',
    type=Text(choices=("node", "python", "binary", "uv")),
    entry_point=_WORD,
    mcp_config=LAUNCH,
)
COMPATIBILITY = _record("an object: {…}", platforms=Listing(_WORD), runtimes=Table(_WORD))
# What describes the bundle, or is for the client that installs it, and does not concern how the server runs.
ABOUT = (
    *("$schema", "display_name", "version", "long_description", "author", "repository", "homepage", "documentation"),
    *("support", "icon", "icons", "screenshots", "localization", "keywords", "license", "privacy_policies", "_meta"),
)
MANIFEST = _record(
    'a manifest: {"manifest_version": "0.3", …}',
    manifest_version=_WORD,
    dxt_version=_WORD,
    name=_WORD,
    description=_WORD,
    server=SERVER,
    tools=Anything(),
    tools_generated=Switch(),
    prompts=Anything(),
    prompts_generated=Switch(),
    compatibility=COMPATIBILITY,
    user_config=Table(OPTION, meaning="an object of options by their names"),
    **dict.fromkeys(ABOUT, Anything()),
)
