# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every key of a registry's ``server.json``, as of 2025-12-11.

https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json; before 2025-09-16 keys had underscores
(https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/server-json/CHANGELOG.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.shape import (
    Anything,
    Either,
    Key,
    Listing,
    Nothing,
    Number,
    Record,
    Shape,
    Switch,
    Table,
    Text,
)

_WORD = Text()
_VALUE = Either((_WORD, Switch(), Number(-(2**63), 2**63, whole=False)), "a string; put it in double quotes")


def _record(meaning: str, **keys: Shape) -> Record:
    return Record({name: Key(shape, "") for name, shape in keys.items()}, meaning)


_INPUT: Mapping[str, Shape] = {
    "description": _WORD,
    "isRequired": Switch(),
    "format": Text(choices=("string", "number", "boolean", "filepath")),
    "value": _VALUE,
    "isSecret": Switch(),
    "default": _VALUE,
    "placeholder": _WORD,
    "choices": Listing(_WORD),
}
_VARIABLES = Table(_record("an input: {…}", **_INPUT), meaning="an object of inputs by their names")
VARIABLE = _record('a variable: {"name": "…"}', **_INPUT, variables=_VARIABLES, name=_WORD)
ARGUMENT = _record(
    'an argument: {"type": "positional" or "named", …}',
    **_INPUT,
    variables=_VARIABLES,
    type=Text(choices=("positional", "named")),
    name=_WORD,
    valueHint=_WORD,
    isRepeated=Switch(),
)
TRANSPORT = _record(
    'a transport: {"type": "stdio"}',
    type=Text(choices=("stdio", "streamable-http", "sse")),
    url=_WORD,
    headers=Listing(VARIABLE, "a list of headers"),
    variables=_VARIABLES,
)
PACKAGE = _record(
    'a package: {"registryType": "npm", …}',
    registryType=_WORD,
    registryBaseUrl=Either((_WORD, Nothing()), "a string; put it in double quotes"),
    identifier=_WORD,
    version=_WORD,
    fileSha256=_WORD,
    runtimeHint=_WORD,
    transport=TRANSPORT,
    runtimeArguments=Listing(ARGUMENT, "a list of arguments"),
    packageArguments=Listing(ARGUMENT, "a list of arguments"),
    environmentVariables=Listing(VARIABLE, "a list of variables"),
    postInstallInstructions=Anything(),
)
# What describes the server, or says who publishes it, and does not concern how it runs.
ABOUT = ("$schema", "title", "repository", "websiteUrl", "icons", "_meta", "status")
SERVER = _record(
    'a server: {"name": "…", "packages": […]}',
    name=_WORD,
    description=_WORD,
    version=_WORD,
    packages=Listing(PACKAGE, "a list of packages"),
    remotes=Listing(TRANSPORT, "a list of remotes"),
    **dict.fromkeys(ABOUT, Anything()),
)
UNDERSCORED = {
    "registry_type": "registryType",
    "registry_base_url": "registryBaseUrl",
    "file_sha256": "fileSha256",
    "runtime_hint": "runtimeHint",
    "runtime_arguments": "runtimeArguments",
    "package_arguments": "packageArguments",
    "environment_variables": "environmentVariables",
    "is_required": "isRequired",
    "is_secret": "isSecret",
    "value_hint": "valueHint",
    "is_repeated": "isRepeated",
    "website_url": "websiteUrl",
}
