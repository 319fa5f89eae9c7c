# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, load_env, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from moto import mock_aws

KEY = b"k" * 32


class Store:
    """Stands for both services of AWS; remembers what it was asked."""

    def __init__(self, values: dict[str, str], refused: frozenset[str] = frozenset()) -> None:
        self.values = values
        self.refused = refused
        self.calls: list[list[str]] = []

    def get_parameters(self, Names: list[str], WithDecryption: bool) -> dict[str, Any]:
        assert WithDecryption
        self.calls.append(Names)
        self._refuse(Names)
        return {"Parameters": [{"Name": name, "Value": self.values[name]} for name in Names if name in self.values]}

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:
        self.calls.append([SecretId])
        self._refuse([SecretId])
        if SecretId not in self.values:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "arn"}}, "GetSecretValue")
        return {"SecretString": self.values[SecretId]}

    def _refuse(self, names: list[str]) -> None:
        if self.refused & set(names):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Get")


@pytest.fixture
def resolve(tmp_path: Path) -> Callable[..., tuple[Fleet, dict[str, dict[str, str]]]]:
    """Reads servers whose variables are given, and what their values are."""

    def read(
        servers: dict[str, dict[str, str]], settings: str = "", **sources: Any
    ) -> tuple[Fleet, dict[str, dict[str, str]]]:
        entries = {
            name: {"command": "docker", "args": ["run", *(w for key in env for w in ("-e", key)), "a"], "env": env}
            for name, env in servers.items()
        }
        config, conf = tmp_path / "mcp.config.json", tmp_path / "settings.conf"
        config.write_text(json.dumps({"mcpServers": entries}))
        conf.write_text(settings)
        resolver = Resolver(**{"environment": {}, **sources})
        fleet = read_fleet([str(config)], str(conf), KEY, resolver)
        env = load_env([str(config)], str(conf), resolver)
        return fleet, {name: {key: value.reveal() for key, value in each.items()} for name, each in env.items()}

    return read


def only_error(fleet: Fleet) -> str:
    assert len(fleet.errors) == 1
    return str(fleet.errors[0])


def test_variables_of_the_environment_with_defaults(resolve: Callable[..., Any]) -> None:
    written = {"A": "${HOME_URL}/x", "B": "${env:PORT:-80}", "C": "${EMPTY:-e}", "D": "$HOME ${", "E": "a${X:-}b"}
    fleet, env = resolve({"x": written}, environment={"HOME_URL": "https://h", "EMPTY": ""})
    assert not fleet.errors
    assert env["x"] == {"A": "https://h/x", "B": "80", "C": "e", "D": "$HOME ${", "E": "ab"}


def test_a_value_is_digested_and_not_the_reference_to_it(resolve: Callable[..., Any]) -> None:
    one, _env = resolve({"x": {"A": "${V}"}}, environment={"V": "1"})
    two, _env = resolve({"x": {"A": "${V}"}}, environment={"V": "2"})
    literal, _env = resolve({"x": {"A": "2"}})
    assert one.specs[0].generation != two.specs[0].generation
    assert two.specs[0].generation == literal.specs[0].generation


def test_a_file_gives_its_text_without_the_last_line_break(resolve: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\nmore\r\n")
    _fleet, env = resolve({"x": {"A": f"${{file:{tmp_path}/secret}}"}})
    assert env["x"]["A"] == "s3cret\nmore"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff", "is not UTF-8"), (b"x" * 200_000, "is larger than 128 KiB"), (b"a\0b", "holds a NUL character")],
)
def test_a_file_that_no_variable_can_hold_fails_its_server(
    resolve: Callable[..., Any], tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "secret").write_bytes(content)
    fleet, _env = resolve({"x": {"A": f"${{file:{tmp_path}/secret}}"}, "y": {"A": "1"}})
    assert message in only_error(fleet)
    assert f"${{file:{tmp_path}/secret}}" in only_error(fleet)
    assert [spec.name for spec in fleet.specs] == ["y"]


def test_parameters_are_fetched_ten_at_a_time_and_each_once(resolve: Callable[..., Any]) -> None:
    store = Store({f"/p/{number}": f"v{number}" for number in range(23)})
    servers = {f"s{number}": {"A": f"${{ssm:/p/{number}}}", "B": "${ssm:/p/0}"} for number in range(23)}
    fleet, env = resolve(servers, client=lambda _service: store)
    assert not fleet.errors
    assert env["s22"] == {"A": "v22", "B": "v0"}
    # Once for the specs and once for the values.
    assert sorted(len(names) for names in store.calls) == [3, 3, 10, 10, 10, 10]


def test_a_missing_parameter_fails_its_server_alone(resolve: Callable[..., Any]) -> None:
    store = Store({"/p/1": "v"})
    fleet, env = resolve({"a": {"A": "${ssm:/p/1}"}, "b": {"A": "${ssm:/p/2}"}}, client=lambda _service: store)
    assert only_error(fleet) == (
        "mcp.config.json: mcpServers.b.env.A: '${ssm:/p/2}' is not in the Parameter Store; check its name and the "
        "region"
    )
    assert env == {"a": {"A": "v"}}


def test_a_parameter_that_may_not_be_read_does_not_take_the_others_of_its_call_along(
    resolve: Callable[..., Any],
) -> None:
    store = Store({"/p/1": "v", "/p/2": "w"}, refused=frozenset({"/p/2"}))
    fleet, env = resolve({"a": {"A": "${ssm:/p/1}"}, "b": {"A": "${ssm:/p/2}"}}, client=lambda _service: store)
    assert "'${ssm:/p/2}' may not be read; the host's role needs ssm:GetParameters" in only_error(fleet)
    assert env == {"a": {"A": "v"}}


def test_a_secret_is_fetched_once_for_all_of_its_keys(resolve: Callable[..., Any]) -> None:
    store = Store({"db": json.dumps({"user": "u", "port": 5432}), "plain": "text"})
    written = {"A": "${secretsmanager:db#user}:${secretsmanager:db#port}", "B": "${secretsmanager:plain}"}
    fleet, env = resolve({"x": written}, client=lambda _service: store)
    assert not fleet.errors
    assert env["x"] == {"A": "u:5432", "B": "text"}
    assert sorted(store.calls) == [["db"], ["db"], ["plain"], ["plain"]]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("${secretsmanager:none}", "is not in the Secrets Manager"),
        ("${secretsmanager:plain#key}", "has no keys: the secret is not a JSON object"),
        ("${secretsmanager:db#key}", "has no key 'key'"),
    ],
)
def test_a_secret_without_the_value_is_told(resolve: Callable[..., Any], reference: str, message: str) -> None:
    store = Store({"db": "{}", "plain": "text"})
    fleet, _env = resolve({"x": {"A": reference}}, client=lambda _service: store)
    assert f"'{reference}' {message}" in only_error(fleet)


def test_aws_without_credentials_is_a_sentence(resolve: Callable[..., Any]) -> None:
    def client(_service: str) -> Any:
        raise NoCredentialsError

    fleet, _env = resolve({"x": {"A": "${ssm:/p}"}, "y": {"A": "${secretsmanager:s}"}}, client=client)
    assert ["no AWS credentials" in str(error) for error in fleet.errors] == [True, True]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ThrottlingException", "AWS throttles this account; the next run asks again"),
        ("ExpiredTokenException", "the host's AWS credentials have expired"),
        ("UnrecognizedClientException", "AWS does not know the host's credentials"),
    ],
)
def test_what_keeps_a_whole_service_from_answering_is_met_once_and_told_of_every_reference(
    resolve: Callable[..., Any], code: str, reason: str
) -> None:
    class Down(Store):
        def _refuse(self, names: list[str]) -> None:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Get")

    store = Down({})
    servers = {
        f"s{number}": {"A": f"${{ssm:/p/{number}}}", "B": f"${{secretsmanager:{number}}}"} for number in range(30)
    }
    fleet, env = resolve(servers, client=lambda _service: store)
    assert len(fleet.errors) == 60
    assert all(reason in str(error) for error in fleet.errors)
    # Once for the specs and once for the values, of each service.
    assert len(store.calls) == 4
    assert env == {}


def test_aws_that_cannot_be_reached_is_a_sentence(resolve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "s", "ENDPOINT_URL": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    once = Config(retries={"max_attempts": 0})
    fleet, _env = resolve(
        {"x": {"A": "${ssm:/p}"}}, client=lambda service: boto3.client(service, "eu-central-1", config=once)
    )
    assert only_error(fleet).endswith("'${ssm:/p}' cannot be read: AWS cannot be reached from this host")


@mock_aws
def test_references_are_resolved_by_the_real_clients(resolve: Callable[..., Any]) -> None:
    region = "eu-central-1"
    for number in range(12):
        boto3.client("ssm", region).put_parameter(Name=f"/mcp/{number}", Value=f"v{number}", Type="SecureString")
    boto3.client("secretsmanager", region).create_secret(Name="mcp/db", SecretString='{"password": "p"}')
    written = {f"V{number}": f"${{ssm:/mcp/{number}}}" for number in range(12)}
    fleet, env = resolve(
        {"x": {**written, "P": "${secretsmanager:mcp/db#password}"}, "y": {"A": "${ssm:/none}"}},
        f"[aws]\nregion = {region}\n",
        client=lambda service: boto3.client(service, region),
    )
    assert env["x"] == {**{f"V{number}": f"v{number}" for number in range(12)}, "P": "p"}
    assert "is not in the Parameter Store" in only_error(fleet)


def test_an_input_takes_its_value_from_settings_and_may_refer_on(resolve: Callable[..., Any]) -> None:
    store = Store({"/p": "behind"})
    settings = "[inputs]\nApi-Key = plain\nother = x-${ssm:/p}\nwrong = ${ssm:/q}\n"
    servers = {"x": {"A": "${input:Api-Key}", "B": "${input:other}"}, "y": {"A": "${input:wrong}"}}
    fleet, env = resolve(servers, settings, client=lambda _service: store)
    assert env == {"x": {"A": "plain", "B": "x-behind"}}
    assert "'${input:wrong}' is '${ssm:/q}', which is not in the Parameter Store" in only_error(fleet)


def test_a_disabled_server_needs_no_values(resolve: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    entry = {"command": "docker", "args": ["run", "-e", "A=${NONE}", "a"], "disabled": True}
    path.write_text(json.dumps({"mcpServers": {"x": entry}}))
    fleet = read_fleet([str(path)], None, KEY, Resolver(environment={}))
    assert [spec.enabled for spec in fleet.specs] == [False]
    assert any("does no harm while the server is disabled" in line for line in fleet.explain["x"])


def test_files_of_variables_are_taken_literally(tmp_path: Path) -> None:
    (tmp_path / "docker.env").write_text("# comment\nA=${NOT} 'x' # y\nB\nC=from file\n")
    (tmp_path / "editor.env").write_text("export D='${NOT}'\nE=\"a\\nb\" # c\nF = g # h\n\nG=override\n")
    path = tmp_path / "c.json"
    docker = ["run", "--env-file", str(tmp_path / "docker.env"), "-e", "C=from args", "a"]
    npx = {"command": "npx", "args": ["-y", "x"], "envFile": str(tmp_path / "editor.env"), "env": {"G": "${SET}"}}
    entries = {"docker": {"command": "docker", "args": docker, "env": {"B": "${SET}"}}, "npx": npx}
    path.write_text(json.dumps({"mcpServers": entries}))
    resolver = Resolver(environment={"SET": "set"}, inputs={"x": Secret("")})
    assert not read_fleet([str(path)], None, KEY, resolver).errors
    env = load_env([str(path)], None, resolver)
    assert {name: value.reveal() for name, value in env["docker"].items()} == {
        "A": "${NOT} 'x' # y",
        "B": "set",
        "C": "from args",
    }
    assert {name: value.reveal() for name, value in env["npx"].items()} == {
        "D": "${NOT}",
        "E": "a\nb",
        "F": "g",
        "G": "set",
    }
