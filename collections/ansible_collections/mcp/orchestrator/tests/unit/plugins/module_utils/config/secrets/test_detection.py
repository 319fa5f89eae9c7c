# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.client_machine import client_path_in
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flags import BY_NAME
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import (
    quoted,
    secrets_among,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.lookalike import lookalike_in
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.names import is_secret_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.placeholder import is_placeholder
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver
from hypothesis import given
from hypothesis import strategies as st

KEY = b"k" * 32
CANARY = "canary-7f3a91"


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "api-key",
        "apiKey",
        "X-API-Key",
        "DB_PASSWORD",
        "PGPASSWORD",
        "client_secret",
        "AWS_SECRET_ACCESS_KEY",
        "key",
        "Authorization",
        "figma-api-key",
        "passphrase",
        "github-pat",
    ],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "max-tokens",
        "token-file",
        "TOKEN_URL",
        "tokenizer",
        "no-auth",
        "key-id",
        "keyboard",
        "monkey",
        "author",
        "path",
        "secret-name",
        "password_file",
        "use-token-cache",
    ],
)
def test_names_that_only_sound_like_it_are_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("words", "position"),
    [
        (["--api-key", "abc"], 1),
        (["--api-key=abc"], 0),
        (["-token", "abc"], 1),
        (["TOKEN=abc"], 0),
        (["--header", "Authorization: Bearer abc"], 1),
        (["--header", "x-api-key:abc"], 1),
        (["postgresql://u:p@h/d"], 0),
        (["--url=postgresql://u:p@h/d"], 0),
        (["https://h/sse?api_key=abc"], 0),
        (["ghp_0123456789abcdefABCDEF"], 0),
        (["--thing", "xoxb-1234-5678"], 1),
        (["--", "sk-proj-0123456789abcdef"], 1),
    ],
)
def test_words_that_are_secrets_are_found_and_never_named_in_full(words: list[str], position: int) -> None:
    ((found, name),) = secrets_among(words)
    assert found == position
    assert not {"abc", "u:p", "0123456789abcdef", "1234"} & set(name.replace("'", " ").split())
    assert "abc" not in name.replace("abcdef", "")


@pytest.mark.parametrize(
    "words",
    [
        ["--token-file", "/run/x"],
        ["--max-tokens", "4096"],
        ["postgresql://h/d"],
        ["--key", "--other"],
        ["--no-auth"],
        ["--auth", "none"],
        ["https://h/x?page=2"],
        ["--timezone=Europe/Berlin"],
        ["serve", "a:b"],
    ],
)
def test_words_that_are_none_are_left_alone(words: list[str]) -> None:
    assert not list(secrets_among(words))


@pytest.mark.parametrize("value", ["<your-api-key>", "YOUR_TOKEN_HERE", "xxx", "...", "your-api-key", "[YOUR KEY]"])
def test_what_a_readme_has_in_the_place_of_a_value_is_seen(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["", "info", "your name is", "a<b>c", "sk-abcdef", "/path/x"])
def test_values_are_not_taken_for_placeholders(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize(
    "piece", ["a", "a_", "a=", "a:", "a-here", "{", '{"a":', "://", "::@", "x://a:", "<", " $A", "-p1"]
)
def test_a_long_value_takes_no_longer_than_its_length(piece: str) -> None:
    value = piece * (100_000 // len(piece))
    begin = time.process_time()
    for text in (value, "{" + value, f"--x={value}", f"https://host/{value}"):
        list(secrets_among(["--name", text]))
        quoted(text)
        is_placeholder(text)
        lookalike_in(text)
        client_path_in(text)
    assert time.process_time() - begin < 30


def test_a_harmless_word_is_called_by_itself() -> None:
    assert quoted("--verbose") == "'--verbose'"


secret_names = st.sampled_from(["api-key", "token", "GITHUB_TOKEN", "db_password", "client-secret", "authorization"])
wrappers = st.sampled_from(
    [
        lambda name: [f"--{name}", CANARY],
        lambda name: [f"--{name}={CANARY}"],
        lambda name: [f"{name}={CANARY}"],
        lambda name: ["--header", f"{name}: {CANARY}"],
        lambda _name: [f"https://me:{CANARY}@host/x"],
        lambda name: [f"https://host/x?{name}={CANARY}"],
        lambda name: [f"--x={{{name}}}", f"${{{name}:-{CANARY}}}"],
        lambda _name: [f"ghp_{'a' * 16}{CANARY}"],
        lambda name: ["--config", json.dumps({name: CANARY})],
        lambda name: [f"--config={json.dumps({'servers': [{'env': {name: CANARY}}]})}"],
        lambda name: [f"'{{{name}: {CANARY}}}'"],
        lambda name: [json.dumps([{"name": name, "value": CANARY}])],
        lambda name: [f"Server=db;{name}={CANARY}"],
        lambda name: [f"-H{name}: {CANARY}"],
        lambda name: [f"--header={name}:{CANARY}"],
        lambda _name: ["-u", "me", "-p", CANARY],
        lambda _name: ["--user", f"me:{CANARY}"],
        lambda _name: ["--sse", f"https://host/mcp/{CANARY}0123456789/sse"],
    ]
)
programs = st.sampled_from(
    [
        ("docker", ["run", "-i", "image"]),
        ("docker", ["run", "-i"]),
        ("docker", ["run", "-i", "--label", "x=y", "--memory"]),
        ("docker", ["run", "--unknown"]),
        ("npx", ["-y", "package"]),
        ("npx", []),
        ("npx", ["mcp-remote", "https://host/mcp"]),
        ("uvx", ["package"]),
        ("uvx", ["--from"]),
        ("uv", ["run", "--with", "package", "program"]),
        ("python", ["-m", "package"]),
        ("node", ["/x/node_modules/p/i.js"]),
        ("node", []),
        ("bash", ["-c"]),
        ("other", []),
    ]
)


def everything_shown(servers: dict[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mcp.config.json"
        path.write_text(json.dumps({"mcpServers": servers}))
        fleet = read_fleet([str(path)], None, KEY, Resolver(environment={}))
    shown = [repr(fleet), report(fleet), json.dumps([spec.to_dict() for spec in fleet.specs])]
    shown += [*map(str, fleet.errors), *map(repr, fleet.errors), *fleet.warnings, json.dumps(fleet.explain)]
    shown += [json.dumps(fleet.clients)]
    return "\n".join([*shown, json.dumps([remote.to_dict() for remote in fleet.remotes])])


@given(programs, secret_names, wrappers)
def test_no_secret_of_the_arguments_is_shown_anywhere(program: tuple[str, list[str]], name: str, wrap: Any) -> None:
    command, args = program
    assert CANARY not in everything_shown({"x": {"command": command, "args": [*args, *wrap(name)]}})


@given(
    secret_names, st.sampled_from(["url", "httpUrl", "serverUrl"]), st.sampled_from(["?k=", "/sse/a1b2c3d4e5f6", "@"])
)
def test_no_secret_of_a_remote_server_is_shown_anywhere(name: str, key: str, joint: str) -> None:
    url = f"https://me:{CANARY}@host/x" if joint == "@" else f"https://host{joint}{CANARY}"
    entry = {key: url, "headers": {name.replace("_", "-"): f"Bearer {CANARY}"}}
    assert CANARY not in everything_shown({"x": entry, "y": {**entry, "command": "npx"}})


@pytest.mark.parametrize("flag", [name for name, flag in BY_NAME.items() if flag.takes_value and name != "env"])
def test_no_secret_that_is_the_value_of_a_flag_is_shown_anywhere(flag: str) -> None:
    secrets = [
        f"api_key={CANARY}",
        f"db-password={CANARY}",
        f"https://me:{CANARY}@host/x",
        f"ghp_{'a' * 16}{CANARY}",
        f"curl -H 'X-Api-Key: {CANARY}' host",
        f"sh -c 'server --token {CANARY}'",
        json.dumps({"apiKey": CANARY}),
    ]
    entries = {f"x{number}": word for number, word in enumerate(secrets)}
    args = {name: ["run", f"--{flag}", word, "image:1"] for name, word in entries.items()}
    assert CANARY not in everything_shown({name: {"command": "docker", "args": each} for name, each in args.items()})
