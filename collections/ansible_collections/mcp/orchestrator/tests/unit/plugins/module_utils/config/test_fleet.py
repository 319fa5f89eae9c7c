# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress, EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, load_env, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import (
    KeyFileError,
    Secret,
    read_key,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

Read = Callable[..., Fleet]
KEY = b"k" * 32


def docker(*args: str, **entry: object) -> dict[str, object]:
    return {"command": "docker", "args": ["run", *args], **entry}


def test_a_wrong_entry_fails_alone(read: Read) -> None:
    fleet = read({"good": docker("mcp/time"), "bad": docker("--privileged", "mcp/time"), "worse": 7})
    assert [spec.name for spec in fleet.specs] == ["good"]
    assert [error.server for error in fleet.errors] == ["bad", "worse"]


@pytest.mark.parametrize(
    ("said", "replicas", "autoscaling"),
    [
        (3, 3, None),
        ({"min": 2, "max": 5, "cpu": 60}, 2, {"max": 5, "cpu": 60}),
        ({"max": 5}, 1, {"max": 5, "cpu": 70}),
        ({"min": 2, "max": 2}, 2, None),
        ({}, 1, None),
    ],
)
def test_replicas_are_a_number_or_grow_with_the_load_and_make_no_new_container(
    read: Read, said: object, replicas: int, autoscaling: object
) -> None:
    (plain,) = read({"x": docker("mcp/time")}).specs
    (spec,) = read({"x": docker("mcp/time", orchestrator={"replicas": said})}).specs
    assert (spec.replicas, spec.autoscaling, spec.generation) == (replicas, autoscaling, plain.generation)
    assert Spec.from_dict(spec.to_short_dict()) == spec


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"min": 3, "max": 2}, "orchestrator.replicas.max: '2' is less than min (3)"),
        ({"min": 0}, "orchestrator.replicas: must be a number from 1 to 32, or an object for Kubernetes"),
    ],
)
def test_replicas_that_cannot_be_are_told(read: Read, said: object, message: str) -> None:
    (error,) = read({"x": docker("mcp/time", orchestrator={"replicas": said})}).errors
    assert message in str(error)


def test_references_that_are_a_whole_value_are_known_beside_the_values(tmp_path: Path) -> None:
    path = tmp_path / "mcp.config.json"
    env = {"A": "${ssm:/mcp/a}", "B": "Bearer ${ssm:/mcp/b}", "C": "c", "D": "${D:-x}"}
    flags = [word for name in env for word in ("-e", name)]
    path.write_text(json.dumps({"mcpServers": {"x": docker(*flags, "mcp/time", env=env)}}))
    fleet = read_fleet([str(path)], None, KEY, EmptyResolver())
    assert {name: str(each) for name, each in fleet.references["x"].items()} == {"A": "${ssm:/mcp/a}", "D": "${D}"}


@pytest.mark.parametrize(("wish", "enabled"), [({"disabled": True}, False), ({"enabled": False}, False), ({}, True)])
def test_a_disabled_server_keeps_its_spec_and_its_generation(read: Read, wish: dict[str, bool], enabled: bool) -> None:
    (plain,) = read({"x": docker("mcp/time")}).specs
    (spec,) = read({"x": docker("mcp/time", **wish)}).specs
    assert spec.enabled is enabled
    assert spec.generation == plain.generation


@pytest.mark.parametrize("name", ["", "-", "///", "サーバー", "трекер MCP", "a ø b"])
def test_a_name_that_cannot_be_a_path_is_refused(read: Read, name: str) -> None:
    fleet = read({name: docker("mcp/time")})
    assert "is not a server's name; use letters" in str(fleet.errors[0])
    assert not fleet.specs


@pytest.mark.parametrize(
    ("name", "taken"),
    [("-x", "x"), ("a b", "a-b"), ("@org/server", "org-server"), ("ünï", "uni"), ("a" * 64, "a" * 63)],
)
def test_a_name_that_cannot_be_a_path_is_replaced_with_a_warning(read: Read, name: str, taken: str) -> None:
    fleet = read({name: docker("mcp/time")})
    assert [spec.path for spec in fleet.specs] == [f"/mcp/{taken}"]
    assert f"the server is called '{taken}' and answers at /mcp/{taken}" in fleet.warnings[0]


def test_nesting_is_never_too_deep_for_the_search_of_repeated_keys(tmp_path: Path) -> None:
    path = tmp_path / "mcp.config.json"
    path.write_text('{"mcpServers": {"a": {"x": ' + '{"z": ' * 300 + '{"y": 1, "y": 2}' + "}" * 303)
    fleet = read_fleet([str(path)], None, KEY)
    assert any("'y' is defined twice" in str(error) for error in fleet.errors)


def test_a_name_with_a_dot_is_quoted_in_the_keys_path(read: Read) -> None:
    (error,) = read({"a.b": docker("-y", "x")}).errors
    assert error.path == 'mcpServers["a.b"].args[1]'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1, column 2: is not JSON"),
        ("{\u201cmcpServers\u201d: {}}", "line 1, column 2: is not JSON: Expecting property name"),
        ("[]", "must be an object"),
        ("{}", "has no 'mcpServers'"),
        ('{"mcpservers": {}}', "has no 'mcpServers'; rename 'mcpservers'"),
        ('{"mcpServers": []}', "mcpServers: must be an object of servers by name"),
        ('{"mcpServers": {}, "mcpServers": {}}', "'mcpServers' is defined twice (lines 1 and 1); keep one"),
        ('{"mcpServers": {"a": "\\ud800"}}', "holds half of a surrogate pair"),
        ('{"mcpServers": NaN}', "is not JSON: NaN is not JSON"),
        ("[" * 100_000, "is nested too deeply"),
        ("1" * 5000, "is not JSON"),
    ],
)
def test_a_file_that_is_no_config_is_refused_as_a_whole(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mcp.config.json"
    path.write_text(text)
    with pytest.raises(ConfigFileError) as caught:
        read_fleet([str(path)], None, KEY)
    assert str(caught.value).startswith(f"mcp.config.json: {message}")


def test_typographic_quotes_are_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mcp.config.json"
    path.write_text("{\u201cmcpServers\u201d: {}}")
    with pytest.raises(ConfigFileError, match='use straight double quotes: "'):
        read_fleet([str(path)], None, KEY)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mcp.config.json"
    path.write_bytes('{"mcpServers": {"ä": {}}}'.encode("latin-1"))
    with pytest.raises(ConfigFileError, match="is not UTF-8"):
        read_fleet([str(path)], None, KEY)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "mcp.config.json"
    path.write_bytes(b'\xef\xbb\xbf{"mcpServers": {}}')
    assert read_fleet([str(path)], None, KEY).specs == []


def test_all_unusable_files_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError) as caught:
        read_fleet([str(tmp_path / "a.json"), str(tmp_path / "b.json")], str(tmp_path / "s.conf"), KEY)
    assert [error.file for error in caught.value.errors] == ["s.conf", "a.json", "b.json"]


def test_load_env_gives_the_values_behind_the_digests(tmp_path: Path) -> None:
    path = tmp_path / "mcp.config.json"
    servers = {"x": docker("-e", "A=1", "-e", "B", "-e", "A=2", "mcp/time", env={"B": "3"}), "bad": docker("-y")}
    path.write_text(json.dumps({"mcpServers": servers}))
    env = load_env([str(path)], None)
    assert {name: value.reveal() for name, value in env["x"].items()} == {"A": "2", "B": "3"}
    assert "bad" not in env
    (spec,) = read_fleet([str(path)], None, KEY).specs
    assert spec.env == {name: value.digest(KEY, "x", name) for name, value in env["x"].items()}


def test_a_digest_depends_on_key_server_name_and_value() -> None:
    base = Secret("v").digest(KEY, "s", "n")
    others = {
        Secret("w").digest(KEY, "s", "n"),
        Secret("v").digest(b"l" * 32, "s", "n"),
        Secret("v").digest(KEY, "t", "n"),
        Secret("v").digest(KEY, "s", "m"),
    }
    assert base == Secret("v").digest(KEY, "s", "n")
    assert len(base) == 16
    assert len({base, *others}) == 5


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("hunter2")
    shown = [str(secret), repr(secret), f"{secret:>20}", repr([secret]), f"{secret}", "%s" % secret]  # noqa: UP031
    for dump in (json.dumps, pickle.dumps):
        with pytest.raises(TypeError):
            dump(secret)
    try:
        raise ValueError(secret)
    except ValueError:
        shown.append(traceback.format_exc())
    assert not [text for text in shown if "hunter2" in text and "hunter2 =" not in text and 'Secret("' not in text]


def test_a_spec_survives_the_journey_through_json(read: Read) -> None:
    args = ["-e", "A=1", "--entrypoint", "sh", "-v", "dd:/d", "-p", "80", "mcp/time", "x"]
    (spec,) = read({"x": docker(*args)}).specs
    assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_spec_of_another_release_is_read(read: Read) -> None:
    assert Spec.from_dict({"name": "x", "image": "i", "from_the_future": 1}).memory == 512 * 1024**2


@pytest.mark.parametrize("content", [b"short", b"k" * 31])
def test_a_short_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fleet.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="must hold 32 random bytes"):
        read_key(str(path))


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fleet.key"
    path.write_bytes(KEY)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="mode 0640; chmod 0600 it"):
        read_key(str(path))


def test_a_key_file_gives_its_bytes_and_none_a_throw_away_key(tmp_path: Path) -> None:
    path = tmp_path / "fleet.key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    assert read_key(str(path)) == KEY
    assert read_key(None) != read_key(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("all", None),
        (1, {"hosts": 1}),
        ({"hosts": 2, "labels": {"zone": "a"}}, {"hosts": 2, "labels": {"zone": "a"}}),
        ({"hosts": "all", "labels": {"zone": "a"}}, {"labels": {"zone": "a"}}),
    ],
)
def test_the_place_of_a_server_makes_no_new_container(
    read_args: Callable[..., Fleet], written: object, read_as: dict[str, object] | None
) -> None:
    (plain,), (placed,) = read_args("a").specs, read_args("a", orchestrator={"placement": written}).specs
    assert (placed.placement, placed.generation) == (read_as, plain.generation)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("internet", Egress()),
        ("none", Egress(EgressKind.NONE)),
        ("fleet", Egress(EgressKind.FLEET)),
        ("backend", Egress(EgressKind.ENGINE, engine_network="backend")),
        (["b.test", "10.0.0.0/8"], Egress(EgressKind.HOSTS, hosts=("10.0.0.0/8", "b.test"))),
        ([], Egress(EgressKind.HOSTS)),
    ],
)
def test_where_a_server_may_go_is_part_of_its_spec(
    read_args: Callable[..., Fleet], written: object, read_as: object
) -> None:
    (found,) = read_args("a", orchestrator={"network": written}).specs
    assert found.egress == read_as


def test_an_entry_that_says_internet_goes_before_a_default_network(read: Callable[..., Fleet]) -> None:
    servers = {
        name: {"command": "docker", "args": ["run", "a"], "orchestrator": extension}
        for name, extension in {"open": {"network": "internet"}, "silent": {}}.items()
    }
    fleet = read(servers, "[defaults]\nnetwork = none\n")
    assert [str(spec.egress) for spec in fleet.specs] == ["internet", "none"]


@pytest.mark.parametrize("host", ["*.example.com", "https://a.test", "a.test:443", "", "::1"])
def test_a_host_that_no_rule_could_name_is_refused(read_args: Callable[..., Fleet], host: str) -> None:
    (error,) = read_args("a", orchestrator={"network": [host]}).errors
    assert error.path.endswith("orchestrator.network")
    assert "must be none, fleet, internet, the name of a network, or a list of hosts" in error.message
