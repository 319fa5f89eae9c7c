# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties that hold for any config."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flags import FLAGS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.server_name import server_names
from hypothesis import given
from hypothesis import strategies as st

KEY = b"k" * 32
CANARY = "canary-7f3a91"

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,10}", fullmatch=True)
variables = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
words = st.one_of(
    st.sampled_from([f"--{flag.name}" for flag in FLAGS]),
    st.sampled_from([f"-{flag.short}" for flag in FLAGS if flag.short]),
    st.sampled_from(["run", "mcp/time", "-it", "-e", "A", "A=1", "-p", "8000:8000", "-v", "a:/b", "--", "-", "="]),
    st.text(max_size=12),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
args = st.lists(words, max_size=8).map(lambda more: ["run", *more])


def read_text(text: str) -> Fleet:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mcp.config.json"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        return read_fleet([str(path)], None, KEY)


def read(servers: Any) -> Fleet:
    return read_text(json.dumps({"mcpServers": servers}))


def outcome(text: str) -> Fleet | str:
    """The fleet, or what was told of the file."""
    try:
        return read_text(text)
    except ConfigFileError as error:
        return str(error)


def shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        pairs = [(key, shuffled(each, order)) for key, each in value.items()]
        order.shuffle(pairs)
        return dict(pairs)
    return [shuffled(each, order) for each in value] if isinstance(value, list) else value


@st.composite
def servers(draw: st.DrawFn) -> dict[str, Any]:
    env = draw(st.dictionaries(variables, st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=9)))
    flags = [word for name in env for word in ("-e", name)]
    flags += draw(st.sampled_from([[], ["-m", "1g"], ["-p", "80:80"], ["--tmpfs", "/run"], ["-v", "aa:/b:ro"]]))
    entry = {"command": "docker", "args": ["run", "-i", *flags, "mcp/time", *draw(st.lists(names, max_size=2))]}
    return {draw(names): {**entry, "env": env, **draw(st.sampled_from([{}, {"disabled": True}, {"timeout": 60}]))}}


@given(servers(), st.randoms(use_true_random=False), st.sampled_from([None, 1, 7, "\t"]))
def test_order_of_keys_and_whitespace_never_change_a_generation(
    desired: dict[str, Any], order: random.Random, indent: int | str | None
) -> None:
    plain = read(desired)
    assert not plain.errors
    other = read_text("\n " + json.dumps(shuffled({"mcpServers": desired}, order), indent=indent) + "\n")
    assert [spec.generation for spec in other.specs] == [spec.generation for spec in plain.specs]
    assert other.specs == plain.specs


@given(servers(), variables)
def test_a_new_value_of_a_variable_changes_the_generation(desired: dict[str, Any], variable: str) -> None:
    ((_name, entry),) = desired.items()
    entry["args"][1:1] = ["-e", variable]
    entry["env"][variable] = "old"
    (before,) = read(desired).specs
    entry["env"][variable] = "new"
    (after,) = read(desired).specs
    assert after.generation != before.generation


@given(st.dictionaries(variables, st.just(CANARY), min_size=1, max_size=3), args, st.booleans(), values)
def test_no_value_of_a_variable_occurs_in_anything_that_is_shown(
    env: dict[str, str], words: list[str], inline: bool, extra: Any
) -> None:
    given_words = [words[0], *[word for name in env for word in ("-e", f"{name}={CANARY}" if inline else name)]]
    fleet = read({"x": {"command": "docker", "args": given_words + words[1:], "env": env, "orchestrator": extra}})
    shown = [repr(fleet), *map(str, fleet.errors), *map(repr, fleet.errors), *fleet.warnings, str(fleet.explain)]
    shown += [json.dumps(spec.to_dict()) + repr(spec) + str(spec) for spec in fleet.specs]
    assert not [text for text in shown if CANARY in text]


@given(
    st.dictionaries(
        st.one_of(names, st.text(max_size=8)),
        st.one_of(
            values,
            st.fixed_dictionaries(
                {"command": st.just("docker"), "args": args},
                optional={"env": values, "orchestrator": values, "disabled": values, "type": values},
            ),
        ),
        max_size=3,
    )
)
def test_no_entries_make_it_crash(desired: dict[str, Any]) -> None:
    told = outcome(json.dumps({"mcpServers": desired}))
    assert told
    if isinstance(told, Fleet):
        found = {spec.name for spec in told.specs} | {remote.name for remote in told.remotes}
        names = {server_names(desired)[name].name for name in desired}
        assert found | {error.server for error in told.errors} == names


@given(st.text())
def test_no_text_makes_it_crash(text: str) -> None:
    assert outcome(text)
