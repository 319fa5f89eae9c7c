# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plain form of a spec, and its generation: containers bear both as labels."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress, EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from hypothesis import given
from hypothesis import strategies as st

words = st.text(min_size=1, max_size=6)
texts = st.lists(words, max_size=3).map(tuple)
egresses = st.builds(
    Egress.from_plain,
    st.none() | st.sampled_from(["internet", "fleet", "none", "backend", "host"]) | texts,
    st.booleans(),
)
specs = st.builds(
    Spec,
    name=words,
    image=words,
    enabled=st.booleans(),
    entrypoint=st.none() | texts,
    command=st.none() | texts,
    env=st.dictionaries(words, words, max_size=2),
    transport=st.sampled_from(["stdio", "http", "sse"]),
    port=st.none() | st.integers(1, 65535),
    volumes=texts,
    cpus=st.floats(0.01, 64),
    egress=egresses,
    build=st.none() | st.dictionaries(words, words, max_size=2),
    placement=st.none() | st.fixed_dictionaries({"hosts": st.integers(1, 9), "labels": st.just({"zone": "a"})}),
    conditions=st.just(({"field": "host-header", "values": ["a.test"]},)) | st.just(()),
    host_config=st.just({"Dns": ["1.1.1.1"]}) | st.just({}),
)


@given(specs)
def test_a_spec_survives_the_way_through_json_and_back(spec: Spec) -> None:
    made = spec.with_generation()
    again = Spec.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again == made
    assert again.to_dict() == made.to_dict()
    assert again.with_generation().generation == made.generation


@given(specs)
def test_the_short_form_is_read_back_as_the_same_spec(spec: Spec) -> None:
    assert Spec.from_dict(json.loads(json.dumps(spec.to_short_dict()))) == spec


def test_the_short_form_keeps_what_is_empty_and_means_something() -> None:
    closed = Spec(name="a", image="x", egress=Egress.to_hosts([]), entrypoint=(), command=())
    assert closed.to_short_dict()["network"] == closed.to_short_dict()["entrypoint"] == []
    assert "volumes" not in closed.to_short_dict()


@given(specs)
def test_two_egresses_have_one_generation_only_when_they_are_the_same(spec: Spec) -> None:
    other = Spec.from_dict({**spec.to_dict(), "network": ["somewhere.else.test"], "instance_metadata": None})
    assert (other.with_generation().generation == spec.with_generation().generation) == (other.egress == spec.egress)


@pytest.mark.parametrize(
    ("network", "instance_metadata", "generation"),
    [
        (None, None, "31b09857d1ec"),
        ("none", None, "b66b0a668ddd"),
        ("backend", None, "9e855695e889"),
        (["10.0.0.0/8", "b.test"], None, "24716fcc04a5"),
        (None, True, "716edbb876d1"),
    ],
)
def test_a_release_keeps_the_generations_of_the_one_before(
    network: object, instance_metadata: object, generation: str
) -> None:
    """A new generation of a server that nobody edited would replace its container at an upgrade."""
    plain = {"name": "a", "image": "example/a:1", "network": network, "instance_metadata": instance_metadata}
    assert Spec.from_dict(plain).with_generation().generation == generation


@pytest.mark.parametrize(
    ("network", "egress", "text", "description"),
    [
        (None, Egress(), "internet", "anywhere"),
        ("none", Egress(EgressKind.NONE), "none", "nowhere"),
        ("fleet", Egress(EgressKind.FLEET), "fleet", "only servers of its fleet that have network fleet too"),
        ("backend", Egress(EgressKind.ENGINE, engine_network="backend"), "backend", "as network backend lets it"),
        (
            ["a.test", "b.test"],
            Egress(EgressKind.HOSTS, ("a.test", "b.test")),
            "[a.test, b.test]",
            "only a.test, b.test",
        ),
        ([], Egress(EgressKind.HOSTS), "[]", "nowhere"),
    ],
)
def test_where_a_server_may_go_is_said_in_the_words_of_the_config(
    network: str | list[str] | None, egress: Egress, text: str, description: str
) -> None:
    assert Egress.from_plain(network) == egress
    assert (str(egress), egress.description) == (text, description)
