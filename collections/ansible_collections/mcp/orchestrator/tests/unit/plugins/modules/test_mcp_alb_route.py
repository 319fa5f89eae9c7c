# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may pass to the servers: from settings.conf to the rule, and where the client's secret is never seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import AlbBackend
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import ApiError
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_alb_route
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import LISTENER, FakeElbv2

HOST = "i-0123456789abcdef0"
SECRET = "hush-hush-4711"
SETTINGS = f"""
[aws]
listener_arn = {LISTENER}
instance_id = {HOST}
[routes]
auth = oidc
wait_timeout = 5
[oidc]
issuer = https://id.example
authorization_endpoint = https://id.example/a
token_endpoint = https://id.example/t
user_info_endpoint = https://id.example/u
client_id = me
client_secret = {SECRET}
session_timeout = 3600
"""


class Site:
    """A user's settings.conf on a load balancer in memory."""

    def __init__(self, elbv2: FakeElbv2, settings: Path, printed: pytest.CaptureFixture[str]) -> None:
        self.elbv2 = elbv2
        self.settings = settings
        self.printed = printed
        self.logged: list[str] = []

    def run(self, monkeypatch: pytest.MonkeyPatch, **more: Any) -> tuple[dict[str, Any], str]:
        """The module's result, and all that it printed or logged."""
        arguments = {
            "routes": [{"name": "time", "path": "/mcp/time", "port": 20001, "health_path": "/health"}],
            "settings": str(self.settings),
            "_ansible_remote_tmp": "/tmp",
            "_ansible_keep_remote_files": False,
            "_ansible_diff": True,
            **more,
        }
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            mcp_alb_route.main()
        out, err = self.printed.readouterr()
        return json.loads(out), out + err + "".join(self.logged)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    elbv2 = FakeElbv2()
    elbv2.servers[(HOST, 20001)] = ("/health", False, "time")
    settings = tmp_path / "settings.conf"
    settings.write_text(SETTINGS)
    site = Site(elbv2, settings, capsys)
    made = partial(AlbBackend, connect=lambda *_: elbv2, clock=elbv2.clock)
    monkeypatch.setattr(mcp_alb_route, "AlbBackend", made)
    monkeypatch.setattr(
        basic.AnsibleModule, "log", lambda _self, msg, log_args=None: site.logged.append(f"{msg} {log_args}")
    )
    return site


def test_the_provider_of_the_settings_stands_before_the_servers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    result, _printed = site.run(monkeypatch)

    assert result["errors"] == []
    (rule,) = site.elbv2.rules.values()
    first, last = rule["Actions"]
    assert (first["Type"], last["Type"]) == ("authenticate-oidc", "forward")
    assert first["AuthenticateOidcConfig"] == {
        "Issuer": "https://id.example",
        "AuthorizationEndpoint": "https://id.example/a",
        "TokenEndpoint": "https://id.example/t",
        "UserInfoEndpoint": "https://id.example/u",
        "ClientId": "me",
        "ClientSecret": SECRET,
        "Scope": "openid",
        "SessionTimeout": 3600,
        "SessionCookieName": "AWSELBAuthSessionCookie",
        "OnUnauthenticatedRequest": "authenticate",
    }
    assert site.run(monkeypatch)[0]["changed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_the_clients_secret_is_in_no_result_diff_log_or_tag(
    site: Site, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    result, everything = site.run(monkeypatch, _ansible_check_mode=check)

    assert result["changed"] is True
    assert "authenticate-oidc" in result["diff"]["after"]
    assert SECRET not in everything
    assert SECRET not in str(site.elbv2.tags)


@pytest.mark.parametrize("operation", ["create_rule", "describe_rules"])
def test_the_clients_secret_is_not_in_an_error_that_quotes_the_request(
    site: Site, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    def refuse(called: str, _arguments: Mapping[str, Any]) -> None:
        if called == operation:
            raise ApiError(operation, "ValidationError", f"Value '{SECRET}' at 'clientSecret' is not acceptable")

    site.elbv2.before_call = refuse
    result, everything = site.run(monkeypatch)

    assert "at 'clientSecret' is not acceptable" in everything
    assert result["errors"]
    assert SECRET not in everything


def test_a_provider_without_https_in_front_is_told_and_nothing_is_made(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners = site.elbv2._describe_listeners
    plain = {"Listeners": [{**each, "Protocol": "HTTP"} for each in listeners()["Listeners"]]}
    monkeypatch.setattr(site.elbv2, "_describe_listeners", lambda **_: plain)

    result, _printed = site.run(monkeypatch)

    assert "need an HTTPS listener" in str(result["errors"])
    assert site.elbv2.rules == {}


def test_settings_that_name_no_load_balancer_are_an_error_with_the_way_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.settings.write_text("[routes]\nauth = none\n")

    result, _printed = site.run(monkeypatch)

    assert result["errors"] == [{"server": None, "message": result["msg"]}]
    assert "names no load balancer; set listener_arn or alb_name under [aws]" in result["msg"]


def test_settings_that_are_wrong_are_an_error_that_names_them(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.settings.write_text("[routes]\nhealth_interval = 1\n")

    result, _printed = site.run(monkeypatch)

    assert result["failed"] is True
    assert "settings.conf: [routes] health_interval" in result["msg"]


def test_the_documented_example_for_an_alb_alone_is_one_that_works(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    written, routed, *_others = yaml.safe_load(mcp_alb_route.EXAMPLES)
    example = written["ansible.builtin.copy"]["content"]
    routes = routed["mcp.orchestrator.mcp_alb_route"]["routes"]
    for route in routes:
        site.elbv2.servers[(HOST, route["port"])] = (route["health_path"], route.get("strip_prefix", False), "any")
    site.settings.write_text(f"{example}wait_timeout = 5\n".replace("alb_name = shared", f"listener_arn = {LISTENER}"))
    text = site.settings.read_text().replace("listener_port = 443\n", f"instance_id = {HOST}\n")
    site.settings.write_text(text)

    result, _printed = site.run(monkeypatch, routes=routes)

    assert result["errors"] == []
    assert [route["path"] for route in result["routes"]] == ["/mcp/time", "/mcp/web"]
