# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true of every template that a published file becomes."""

from __future__ import annotations

import copy
import re
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import TEMPLATE, TEMPLATE_VERSION
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.conversion import NAME, added, convert
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.sampled_from(["x", "", "-v", "--port", "a b", "{a}", "{b}/c", "${HOME}", "$X", "8080", "}", "ü\n", "a:/b"])
NAMES = st.sampled_from(["KEY", "A-B", "PATH", "a b", "token", ""])
INPUT = {
    "description": WORDS,
    "isRequired": st.booleans(),
    "isSecret": st.booleans(),
    "value": WORDS,
    "default": WORDS | st.integers(0, 9) | st.booleans(),
    "placeholder": WORDS,
    "choices": st.lists(WORDS, max_size=2),
    "format": st.sampled_from(["string", "number", "boolean", "filepath"]),
}


def some(keys: dict[str, Any], **always: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(always, optional=keys)


VARIABLES = st.dictionaries(st.sampled_from(["a", "b"]), some(INPUT), max_size=2)
ARGUMENT = some(
    {**INPUT, "variables": VARIABLES, "valueHint": NAMES, "name": WORDS, "isRepeated": st.booleans()},
    type=st.sampled_from(["positional", "named"]),
)
TRANSPORT = some(
    {"url": st.sampled_from(["http://localhost:8080/mcp", "http://x:{KEY}/", "{a}", "http://[", ""])},
    type=st.sampled_from(["stdio", "streamable-http", "sse"]),
)
PACKAGE = some(
    {
        "version": st.sampled_from(["1.0.0", "2", "${X}"]),
        "runtimeArguments": st.lists(ARGUMENT, max_size=2),
        "packageArguments": st.lists(ARGUMENT, max_size=3),
        "environmentVariables": st.lists(some({**INPUT, "variables": VARIABLES}, name=NAMES), max_size=3),
        "transport": TRANSPORT,
        "more": st.none(),
    },
    registryType=st.sampled_from(["npm", "pypi", "oci", "mcpb"]),
    identifier=st.sampled_from(["acme", "@acme/x", "ghcr.io/acme/x:1", "a b"]),
)
DOCUMENT = some({"mood": st.none()}, name=st.just("io.acme/x"), packages=st.lists(PACKAGE, min_size=1, max_size=2))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["packages", "server", "name", "mcp_config", "args", "env", "remotes"]), inner
        )
    ),
    max_leaves=12,
)


@given(DOCUMENT)
def test_there_is_a_template_that_the_reader_takes_or_a_reason(value: dict[str, Any]) -> None:
    found = convert(value)
    assert (found.template is None) == bool(found.errors)
    assert NAME.fullmatch(found.name)
    if found.template is None:
        return
    version = found.template["versions"]["1"]
    assert not list(TEMPLATE.errors(found.template, ""))
    assert not TEMPLATE_VERSION.unknown(version)
    # Of the host's own values none is named, only what an entry gives as ARG_….
    words = str([version.get(key) for key in ("command", "args", "image", "arguments", "env", "orchestrator")])
    assert not re.search(r"\$\{(?!ARG_[A-Z0-9_]+(:-[^{}$]+)?\})", words)
    assert set(version.get("env", {})).isdisjoint(version.get("required_env", {}))


@given(DOCUMENT)
def test_every_variable_is_given_asked_for_or_named(value: dict[str, Any]) -> None:
    before = copy.deepcopy(value)
    found = convert(value)
    assert value == before
    if found.template is None:
        return
    version = found.template["versions"]["1"]
    taken = next(each for each in value["packages"] if each["registryType"] != "mcpb")
    for variable in taken.get("environmentVariables", ()):
        name = variable["name"]
        places = (version.get("env", {}), version.get("required_env", {}), "".join(each.text for each in found.notes))
        assert any(name in place for place in places)


@given(JSON)
def test_whatever_a_file_holds_it_is_told(value: Any) -> None:
    found = convert(value)
    assert (found.template is None) == bool(found.errors)


@given(st.lists(DOCUMENT, max_size=4))
def test_versions_are_added_and_never_changed(documents: list[dict[str, Any]]) -> None:
    whole: dict[str, Any] = {}
    for template in [found for each in documents if (found := convert(each).template) is not None] * 2:
        before = whole.get("versions", {})
        whole, number = added(whole, template)
        assert whole["versions"] | before == whole["versions"]
        assert whole["versions"][number] == template["versions"]["1"]
    assert sorted(whole.get("versions", {}), key=int) == [
        str(each + 1) for each in range(len(whole.get("versions", {})))
    ]
