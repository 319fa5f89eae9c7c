# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties that hold for any fleet on Kubernetes."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import load_env, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.fleet import render_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import object_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.text import document, objects_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.config.test_corpus import CONFIGS, CORPUS
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.restricted import violations
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import (
    IMAGE,
    ON_AWS,
    SETTINGS,
    spec,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

SHORTEST_SECRET = 10
NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1035, the strictest of all
names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")
fleets = st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,31}\Z")
words = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), max_size=3)
common = {
    "name": names,
    "command": st.none() | words,
    "memory": st.integers(6 * 1024**2, 2**40),
    "cpus": st.floats(0.01, 64),
    "labels": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    "tmpfs": st.lists(st.sampled_from(["/run:size=16m", "/x:mode=0700"]), max_size=2, unique=True),
    "read_only": st.booleans(),
    "init": st.booleans(),
}
# Who serves with several pods, and what a cluster can have.
served = st.sampled_from([("http", None), ("stdio", "pooled"), ("stdio", "shared")])
sound = st.builds(
    lambda served, **more: spec(transport=served[0], isolation=served[1], **more),
    served=served,
    replicas=st.integers(1, 3),
    autoscaling=st.sampled_from([None, {"max": 5, "cpu": 70}]),
    network=st.sampled_from([None, "none", "fleet", ["10.0.7.0/24"], []]),
    env=st.dictionaries(st.from_regex(r"\A[A-Z_][A-Z0-9_.]{0,8}\Z"), st.just("0123456789abcdef"), max_size=2),
    volumes=st.lists(st.sampled_from(["data:/data", "more:/c:ro"]), max_size=2, unique=True),
    user=st.sampled_from([None, "1000", "1000:5"]),
    **common,
)
unsound = st.builds(
    spec,
    transport=st.sampled_from(["stdio", "http", "sse"]),
    isolation=st.sampled_from([None, "pooled", "per_session"]),
    replicas=st.integers(1, 3),
    autoscaling=st.sampled_from([None, {"max": 5, "cpu": 70}]),
    network=st.sampled_from([None, "foo", ["api.example.com"]]),
    env=st.dictionaries(st.from_regex(r"\A[A-Z_é ]{1,8}\Z"), st.just("0123456789abcdef"), max_size=2),
    volumes=st.lists(st.sampled_from(["/srv/x:/x", "a_b:/c:ro"]), max_size=1),
    user=st.sampled_from([None, "0", "node"]),
    **common,
)
specs = st.one_of(sound, sound, sound, unsound)


def rendering(found: list[Spec], **more: Any) -> dict[str, list[Object]]:
    workloads = [
        Workload(each, more.get("settings", SETTINGS), IMAGE, {"10.0.7.0/24": ("10.0.7.0/24",)}) for each in found
    ]
    made = render_fleet(workloads, more.get("settings", SETTINGS))
    assert not made.errors
    assert set(made.objects) == {name for name, each in made.findings.items() if not each.errors}
    return dict(made.objects)


@settings(max_examples=30, deadline=None)
@given(st.lists(specs, max_size=4, unique_by=lambda each: each.name), st.sampled_from([SETTINGS, ON_AWS]))
def test_every_fleet_is_rendered_within_the_policies_and_read_back_as_it_was(found: list[Spec], cluster: Any) -> None:
    for server, objects in rendering(found, settings=cluster).items():
        (deployment,) = (each for each in objects if each["kind"] == "Deployment")
        assert not violations(deployment["spec"]["template"]["spec"])
        text = document([server], objects)
        assert objects_of(text) == objects
        assert list(YAML(typ="safe").load_all(text)) == objects  # YAML 1.2
        assert not any(each["kind"] == "Secret" for each in objects)


@settings(max_examples=30, deadline=None)
@given(st.lists(specs, max_size=4, unique_by=lambda each: each.name))
def test_several_pods_serve_only_where_any_of_them_takes_any_request(found: list[Spec]) -> None:
    rendered = rendering(found)
    for each in found:
        if each.name in rendered and (each.replicas > 1 or each.autoscaling):
            assert each.transport == "http" or each.isolation in ("pooled", "shared")
            kinds = {made["kind"] for made in rendered[each.name]}
            assert "PodDisruptionBudget" in kinds
            assert ("HorizontalPodAutoscaler" in kinds) == (each.autoscaling is not None)
            (deployment,) = (made for made in rendered[each.name] if made["kind"] == "Deployment")
            assert ("replicas" in deployment["spec"]) == (each.autoscaling is None)


@settings(max_examples=300)
@given(fleets, st.sets(names, min_size=2, max_size=6))
def test_names_are_labels_of_the_dns_and_no_two_servers_have_the_same(fleet: str, servers: set[str]) -> None:
    made = [object_name(fleet, server) for server in servers]
    assert all(NAME.fullmatch(each) for each in made)
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("server", ["time", "a-b", "x1"])
def test_a_plain_name_is_that_of_the_container_on_a_host(server: str) -> None:
    assert object_name("mcp", server) == f"mcp-{server}"


@pytest.mark.parametrize("config", CONFIGS[::5], ids=lambda path: path.stem)
def test_no_value_of_a_variable_is_in_an_object_whatever_the_entry_says(config: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(config, folder / "mcp.config.json")
        shutil.copytree(CORPUS / "templates", folder / "templates")
        paths = [str(folder / "mcp.config.json")]
        try:
            fleet = read_fleet(paths, None, b"k" * 32, EmptyResolver())
        except ConfigFileError:  # what is wrong with the file is not the matter here
            return
        values = load_env(paths, None, EmptyResolver())
    for server, objects in rendering([each for each in fleet.specs if each.enabled]).items():
        shown = json.dumps(objects)
        held = {value.reveal() for value in values[server].values()}
        assert not [value for value in held if len(value) >= SHORTEST_SECRET and value in shown]
