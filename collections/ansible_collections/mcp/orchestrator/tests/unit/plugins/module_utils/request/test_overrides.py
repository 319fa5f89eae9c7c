# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The overrides as a machine of states: any requests in any order, against what they are said to mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.form import Refused, Request, Who
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.overrides import (
    Known,
    Overrides,
    apply,
    decide,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.record import read_overrides, write_overrides
from hypothesis import given
from hypothesis import strategies as st

NAMES = ("one", "two")
NOW = "2026-11-29T01:20:00Z"
_asked = st.tuples(
    st.sampled_from(["stop", "start", "restart", "pull", "clear-override", "edit"]), st.sampled_from(NAMES)
)


@given(st.lists(_asked, max_size=25))
def test_the_last_word_about_a_server_counts(steps: list[tuple[str, str]]) -> None:
    overrides, entries = Overrides(), dict.fromkeys(NAMES, "e0")
    stopped: dict[str, bool] = dict.fromkeys(NAMES, False)
    restarted: dict[str, str | None] = dict.fromkeys(NAMES)
    for number, (action, name) in enumerate(steps):
        if action == "edit":
            entries[name] = f"e{number + 1}"
            stopped[name], restarted[name] = False, None
            overrides = overrides.without(apply(overrides, [], entries, []).lapsed)
            continue
        request = Request(f"r{number}", action, name, Who(0, "root"))
        known = {each: Known(digest, "mcp.config.json") for each, digest in entries.items()}
        try:
            overrides = decide(request, overrides, known, NOW)
        except Refused:
            assert action == "pull"
            assert stopped[name]
            continue
        if action == "stop":
            stopped[name] = True
        elif action == "clear-override":
            stopped[name], restarted[name] = False, None
        elif action != "pull":
            stopped[name] = False
            restarted[name] = request.id if action == "restart" else restarted[name]
        # What is not stopped and not restarted needs no override.
        assert (name in overrides.servers) == (stopped[name] or restarted[name] is not None)
    specs = [Spec(name=name, image="i").with_generation() for name in NAMES]
    for before, after in zip(specs, apply(overrides, specs, entries, []).specs, strict=True):
        assert after.runs is not stopped[after.name]
        assert after.restarted == restarted[after.name]
        assert replace(after, pull="missing").with_generation().generation == before.generation
    assert list(overrides.pending) == [
        each for each in overrides.pending if each in {f"r{number}" for number in range(len(steps))}
    ]


@given(st.lists(_asked, max_size=10))
def test_what_is_written_is_read_back(tmp_path_factory, steps: list[tuple[str, str]]) -> None:  # type: ignore[no-untyped-def]
    path = str(tmp_path_factory.mktemp("o") / "overrides.json")
    overrides = Overrides()
    for number, (action, name) in enumerate(steps):
        if action != "edit":
            request = Request(f"r{number}", action, name, Who(0, "root", "ädmin"), "page 10.0.0.7")
            try:
                overrides = decide(request, overrides, {name: Known("e", "f")}, NOW)
            except Refused:
                continue
    write_overrides(path, overrides)
    assert read_overrides(path) == overrides


def test_a_cluster_gives_new_pods_the_newest_image_only_where_its_nodes_pull_it_for_each() -> None:
    request = Request("r1", "pull", "one", Who(0, "root"))
    for pulls in (True, False):
        known = {"one": Known("e", "mcp.config.json", in_cluster=True, pulls=pulls)}
        if not pulls:
            with pytest.raises(Refused, match=r"write another tag into mcp\.config\.json, or --pull always"):
                decide(request, Overrides(), known, NOW)
            continue
        after = decide(request, Overrides(), known, NOW)
        (spec,) = apply(after, [Spec(name="one", image="i", pull="always")], {"one": "e"}, []).specs
        assert (spec.restarted, spec.pull) == ("r1", "always")
