# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import botocore.session
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule_options import (
    conditions_from_options,
    front_actions_from_options,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.report import hop_result
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, OWNER, run
from botocore.validate import ParamValidator

CONDITIONS = [
    {"field": "host-header", "values": ["Mcp.example"], "header_name": None},
    {"field": "http-header", "values": ["yes"], "header_name": "X-Team"},
    {"field": "query-string", "values": ["a=b"], "header_name": None},
]
OIDC = {
    "issuer": "https://id.example",
    "authorization_endpoint": "https://id.example/a",
    "token_endpoint": "https://id.example/t",
    "user_info_endpoint": "https://id.example/u",
    "client_id": "me",
    "client_secret": "hush-hush",
    "scope": None,
}
JWT = {
    "issuer": "https://id.example",
    "jwks_endpoint": "https://id.example/jwks",
    "additional_claims": [{"claim_name": "aud", "claim_format": "single-string", "claim_values": ["mcp"]}],
}


def guarded(elbv2: FakeElbv2, secret: str = OIDC["client_secret"]) -> DesiredRoutes:
    elbv2.servers[(HOST, 20001)] = ("/health", False, "time")
    route = Route(
        "time",
        "/mcp/time",
        (20001,),
        health_path="/health",
        front_actions=front_actions_from_options({"authenticate_oidc": OIDC, "jwt_validation": JWT}),
        client_secret=secret,
    )
    return DesiredRoutes(OWNER, (route,))


def test_what_is_written_is_what_the_service_model_knows():
    elbv2 = FakeElbv2()
    desired = guarded(elbv2)
    route = replace(desired.routes[0], extra_conditions=conditions_from_options(CONDITIONS))
    run(elbv2, replace(desired, routes=(route,)))
    (arguments,) = (arguments for operation, arguments in elbv2.calls if operation == "create_rule")

    model = botocore.session.get_session().get_service_model("elbv2").operation_model("CreateRule")
    report_of_faults = ParamValidator().validate(arguments, model.input_shape)

    assert report_of_faults.generate_report() == ""
    assert [action["Type"] for action in arguments["Actions"]] == ["authenticate-oidc", "jwt-validation", "forward"]


def test_the_client_secret_reaches_the_service_and_nothing_else():
    elbv2 = FakeElbv2()
    desired = guarded(elbv2)

    result = run(elbv2, desired)

    sent = [arguments for operation, arguments in elbv2.calls if operation == "create_rule"]
    assert sent[0]["Actions"][0]["AuthenticateOidcConfig"]["ClientSecret"] == "hush-hush"
    assert "hush-hush" not in str(hop_result(desired, result)) + str(result.plan) + str(elbv2.tags) + repr(desired)


def test_a_guarded_route_changes_nothing_the_second_time():
    elbv2 = FakeElbv2()
    desired = guarded(elbv2)
    run(elbv2, desired)

    assert run(elbv2, desired).actions == []
    assert run(elbv2, desired, is_full=True).actions == []


def test_a_new_client_secret_is_set_although_the_service_tells_none():
    elbv2 = FakeElbv2()
    run(elbv2, guarded(elbv2))

    result = run(elbv2, guarded(elbv2, "another"))

    assert [action.reason for action in result.actions if action.name == "modify_rule"] == [
        "the client secret has changed"
    ]
    assert run(elbv2, guarded(elbv2, "another")).actions == []


def test_a_route_that_asks_for_tokens_needs_an_https_listener():
    elbv2 = FakeElbv2()
    desired = guarded(elbv2)
    listeners = elbv2._describe_listeners
    elbv2._describe_listeners = lambda **which: {
        "Listeners": [{**listener, "Protocol": "HTTP"} for listener in listeners()["Listeners"]]
    }

    result = run(elbv2, desired)

    assert "need an HTTPS listener" in str(result.errors["time"])
    assert elbv2.rules == {}


def test_removing_a_guard_is_a_change_of_the_rule():
    elbv2 = FakeElbv2()
    desired = guarded(elbv2)
    run(elbv2, desired)

    run(elbv2, replace(desired, routes=(replace(desired.routes[0], front_actions=[], client_secret=""),)))

    kinds = [[action["Type"] for action in rule["Actions"]] for rule in elbv2.rules.values()]
    assert kinds == [["forward"]]
