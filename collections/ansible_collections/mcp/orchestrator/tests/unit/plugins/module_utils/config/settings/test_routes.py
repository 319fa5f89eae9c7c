# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What settings and entries say of the routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet

Read = Callable[..., Fleet]
OIDC = """
[oidc]
issuer = https://id.example
authorization_endpoint = https://id.example/a
token_endpoint = https://id.example/t
user_info_endpoint = https://id.example/u
client_id = me
client_secret = hush-hush
"""
JWT = "[jwt]\nissuer = me\njwks_endpoint = https://id.example/jwks\n"


def time(**extension: Any) -> dict[str, Any]:
    return {"time": {"command": "docker", "args": ["run", "mcp/time"], "orchestrator": extension}}


def faults(read: Read, settings: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        read({}, settings)
    return [str(error) for error in caught.value.errors]


def test_the_client_secret_is_in_no_plain_data(read: Read) -> None:
    settings = read({}, OIDC).settings
    assert settings.oidc.client_secret.reveal() == "hush-hush"
    assert "hush-hush" not in repr(settings) + repr(settings.to_dict())
    assert settings.to_dict()["oidc"]["issuer"] == "https://id.example"


def test_lists_are_written_with_commas_or_blanks(read: Read) -> None:
    routes = read({}, "[routes]\nhost_header = A.example.com, *.b.example\nsource_ip = 10.0.0.0/8\n").settings.routes
    assert (routes.host_header, routes.source_ip) == (("a.example.com", "*.b.example"), ("10.0.0.0/8",))


def test_a_load_balancer_is_named_by_its_listener_or_by_its_name(read: Read) -> None:
    aws = read({}, "[aws]\nalb_name = shared\nlistener_port = 443\n").settings.aws
    assert (aws.is_named, aws.alb_name, aws.listener_port) == (True, "shared", 443)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[routes]\ntopology = mesh\n", "[routes] topology: 'mesh' is not one of direct, node-router"),
        ("[routes]\nsource_ip = 10.0.0.1/8\n", "[routes] source_ip: '10.0.0.1/8' is not a network; write for example"),
        ("[routes]\nhost_header = http://x\n", "'http://x' is not a host name; write for example mcp.example.com"),
        ("[routes]\nhost_header = 127.0.0.1\n", "'127.0.0.1' is not a host name; write for example mcp.example.com"),
        ("[routes]\nslow_start = 5\n", "[routes] slow_start: '5' is not between 30 and 900"),
        ("[routes]\nhealth_timeout = 10\n", "health_timeout: '10' is not less than health_interval (10)"),
        ("[routes]\npriority_start = 3000\n", "[routes] priority_end: '1999' is below priority_start"),
        ("[routes]\nhost_header = a.b c.d\nsource_ip = 1.0.0.0/8 2.0.0.0/8\n", "more than 3 values in all"),
        ("[routes]\nauth = jwt\n", "[jwt] issuer: is missing; [jwt] needs issuer, jwks_endpoint"),
        ("[oidc]\nclient_id = me\n", "[oidc] issuer: is missing; [oidc] needs issuer, authorization_endpoint"),
        (OIDC.replace("hush-hush", ""), "[oidc] client_secret: is missing"),
        ("[jwt]\nissuer = me\njwks_endpoint = http://x\n", "[jwt] jwks_endpoint: 'http://x' is not an address that"),
        ('[jwt]\nscope = "mcp"\n', "[jwt] scope: '\"mcp\"' is not a list of scopes; write for example mcp"),
        (
            f"{JWT}audience = https://x{{path}}\n[routes]\ntopology = node-router\n",
            "[jwt] audience: cannot have {path} with topology = node-router, where one rule is for all servers",
        ),
        ("[dashboard]\nauth = oidc\n", "[dashboard] auth: 'oidc' needs the provider under [oidc]"),
        ("[aws]\nlistener_port = 443\n", "[aws] listener_port: belongs to a load balancer; name it with alb_name"),
        ("[aws]\ntarget_address = 10.0.0.7\n", "[aws] target_address: is for target_type = ip"),
        ("[tags]\nmcp_fleet = x\n", "[tags] mcp_fleet: is a reserved name"),
        ("[tags]\nteam = {x}\n", "[tags] team: is not the value of a tag"),
    ],
)
def test_a_wrong_setting_is_told_with_its_key_and_the_way_out(read: Read, settings: str, said: str) -> None:
    assert any(said in fault for fault in faults(read, settings)), faults(read, settings)


def test_conditions_and_priority_reach_the_spec_and_make_no_new_container(read: Read) -> None:
    conditions = {"source_ip": ["10.0.0.0/8"], "http_header": {"X-Team": ["billing"]}}
    (plain,) = read(time()).specs
    (spec,) = read(time(conditions=conditions, priority=7, auth="none")).specs
    assert spec.conditions == (
        {"field": "source-ip", "values": ["10.0.0.0/8"]},
        {"field": "http-header", "header_name": "X-Team", "values": ["billing"]},
    )
    assert (spec.priority, spec.auth, spec.generation) == (7, "none", plain.generation)


@pytest.mark.parametrize(
    ("extension", "settings", "said"),
    [
        ({"auth": "jwt"}, "", "orchestrator.auth: 'jwt' needs the section [jwt] in settings.conf"),
        ({"auth": "basic"}, "", "orchestrator.auth: must be one of none, oidc, jwt"),
        ({"conditions": {"source_ip": ["10.0.0.1/8"]}}, "", "conditions.source_ip[0]: '10.0.0.1/8' is not a network"),
        (
            {"conditions": {"query_string": list("abcd")}},
            "",
            "has 4 values; a rule takes 3 beside its path",
        ),
        (
            {"conditions": {"query_string": ["a", "b"]}},
            "[routes]\nhost_header = a.b c.d\n",
            "has 2 values and [routes] 2; a rule takes 3",
        ),
        (
            {"conditions": {"source_ip": ["10.0.0.0/8"]}},
            "[routes]\ntopology = node-router\n",
            "source_ip: cannot be a server's own with topology = node-router; put it into [routes] source_ip",
        ),
        (
            {"auth": "jwt"},
            f"{JWT}[routes]\ntopology = node-router\n",
            "auth: 'jwt' cannot differ from [routes] auth ('none') with topology = node-router",
        ),
        (
            {"placement": 1},
            "[routes]\ntopology = node-router\n",
            "placement: cannot choose among hosts with topology = node-router",
        ),
    ],
)
def test_what_a_route_cannot_have_is_that_servers_error_alone(
    read: Read, extension: dict[str, Any], settings: str, said: str
) -> None:
    fleet = read({**time(**extension), "other": {"command": "docker", "args": ["run", "x"]}}, settings)
    assert [spec.name for spec in fleet.specs] == ["other"]
    assert said in str(fleet.errors[0]), str(fleet.errors[0])
    assert str(fleet.errors[0]).startswith("mcp.config.json: mcpServers.time.orchestrator.")
