# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configs that were damaged: whatever stands in a file, only errors that are listed come out.

MCP_FUZZ says how many inputs are tried; the target of 100000 takes minutes.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.document import client_config
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import load_remotes, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flags import FLAGS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import ENTRY, EXTENSION
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver

CORPUS = Path(__file__).parent / "corpus"
TEXTS = [path.read_text() for path in sorted(CORPUS.glob("*.json")) if not path.name.endswith(".expected.json")]
INPUTS = int(os.environ.get("MCP_FUZZ", "1000"))
KEY = b"k" * 32
WORDS: list[Any] = [
    *(f"--{flag.name}" for flag in FLAGS),
    *(f"-{flag.short}" for flag in FLAGS if flag.short),
    *ENTRY.keys,
    *EXTENSION.keys,
    *("run", "--", "-", "=", "-e", "A=1", "-p", "8000:8000", "-v", "/:/x", "a:/b:rw", "${X}", "${ssm:/x}", "${", "$}"),
    *("npx", "uvx", "uv", "docker", "podman", "python", "-m", "node", "cmd", "/c", "env", "wsl", "github@1", "@", "🙂"),
    *("https://x/y", "unix:///x", "http://[", "git+https://x/y", "@a/b@1", "a[b]>=1", "\u0000", "\ud83d", "\x1b[31m"),
    *(None, True, False, 0, -1, 1.5, 1e308, 10**30, "", [], {}, [[]], {"": {}}, "a" * 3000),
]


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, each in below for spot in spots(each, (*path, key)))]


def damaged_value(value: Any, chance: random.Random) -> Any:
    """The value with one place replaced, removed, doubled or filled with a word."""
    value = json.loads(json.dumps(value))
    path = chance.choice(spots(value))
    if not path:
        return chance.choice(WORDS)
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    kind = chance.randrange(4)
    if kind == 0:
        parent[path[-1]] = chance.choice(WORDS)
    elif kind == 1:
        del parent[path[-1]]
    elif isinstance(parent, list):
        parent.insert(path[-1], chance.choice(WORDS))
    else:
        parent[str(chance.choice(WORDS))] = parent[path[-1]] if kind == 2 else chance.choice(WORDS)
    return value


def damaged_text(text: str, chance: random.Random) -> str:
    """The text with some characters replaced, removed or doubled."""
    for _time in range(chance.randint(1, 4)):
        position = chance.randrange(len(text) + 1)
        end = position + chance.randrange(4)
        text = text[:position] + chance.choice(["", '"', "{", "}", ",", "\\", "/*", "//", "\x00", "é"]) + text[end:]
    return text


def one_input(chance: random.Random) -> bytes:
    text = chance.choice(TEXTS)
    if chance.random() < 0.25:
        return damaged_text(text, chance).encode("utf-8", "surrogatepass")
    try:
        value = json.loads(text)
    except ValueError:
        return damaged_text(text, chance).encode()
    for _time in range(chance.randint(1, 3)):
        value = damaged_value(value, chance)
    return json.dumps(value).encode()


def test_no_damage_makes_it_crash(tmp_path: Path) -> None:
    path = tmp_path / "mcp.config.json"
    resolver = Resolver(environment={}, client=lambda _service: None)
    for seed in range(INPUTS):
        data = one_input(random.Random(seed))
        path.write_bytes(data)
        try:
            fleet = read_fleet([str(path)], None, KEY, resolver)
            told = report(fleet)
            urls = {spec.name: "http://127.0.0.1:8080" for spec in fleet.specs}
            json.dumps(client_config(fleet, urls, None).document("mcp"))
            json.dumps(client_config(fleet, urls, load_remotes([str(path)], None, resolver)).document("mcp"))
        except ConfigFileError as error:
            told = str(error)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {data[:2000]!r}") from error
        assert told, f"seed {seed}"
        assert not [character for character in told if character < " " and character != "\n"], f"seed {seed}: {told!r}"
