# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the state says of a run, whichever of its steps went well, went wrong or were not reached."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import jsonschema
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.document import build_state
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    RUN,
    SCHEMA,
    SETTINGS,
    endpoint,
    report,
    route,
    server_of,
    spec,
    state_of,
    steps,
)
from hypothesis import given
from hypothesis import strategies as st


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_run_that_went_well_is_ok() -> None:
    state = state_of()
    assert state["run"] == {
        "id": "r-1",
        "started": "2026-11-21T04:19:00Z",
        "finished": "2026-11-21T04:19:03Z",
        "result": "ok",
        "check_mode": False,
        "interval_seconds": 300,
        "changes": ["time: create — no container bears its label"],
    }
    assert state["errors"] == []
    assert state["monitor"] == "http://127.0.0.1:8080/monitor"


@pytest.mark.parametrize(
    ("said", "told"),
    [(None, "internet"), ("none", "none"), ("fleet", "fleet"), (("api.github.com",), ["api.github.com"]), ((), [])],
)
def test_where_a_server_may_go_is_told(said: Any, told: Any) -> None:
    state = state_of(config={**steps()["config"], "servers": [spec("time", network=said)]})
    assert server_of(state)["network"] == told


def test_a_server_is_told_with_all_that_belongs_to_it() -> None:
    assert server_of(state_of()) == {
        "name": "time",
        "desired": "running",
        "observed": "running",
        "condition": "ok",
        "severity": "ok",
        "text": {
            "condition": "answers",
            "transport": "stdio, through the bridge",
            "limits": "512 MiB of memory, 0.5 cores, 256 processes",
            "network": "anywhere",
            "where": None,
        },
        "image": "mcp/time",
        "package": None,
        "command": ["--zone", "UTC"],
        "transport": "stdio",
        "port": None,
        "path": "/mcp/time",
        "limits": {"memory": 536870912, "cpus": 0.5, "pids": 256},
        "network": "internet",
        "group": None,
        "hosts": None,
        "template": None,
        "headers": [],
        "override": None,
        "generation": "8f700f2b17ec",
        "container": {"id": "c0ffee", "name": "mcp-time", "logs": "docker logs mcp-time"},
        "replicas": {"desired": 1, "serving": 1},
        "draining": None,
        "requires": [],
        "endpoint": {"address": "127.0.0.1", "port": 20001, "url": "http://127.0.0.1:20001/mcp/time/mcp"},
        "route": {
            "url": "http://127.0.0.1:8080/mcp/time/mcp",
            "rule_arn": "arn:rule/time",
            "target_group_arn": "arn:tg/time",
            "priority": 1000,
        },
        "health": {
            "status": "ok",
            "checked": "2026-11-21T04:19:02Z",
            "latency_ms": 12.5,
            "server": {"name": "mcp-time", "version": "1.2.3"},
            "protocol": "2025-11-25",
            "tools": ["now", "convert"],
            "reason": None,
            "sessions": {"held": 3, "fit": 9, "oom_kills": 0},
        },
        "exceptions": [],
        "notes": [],
        "client": {"type": "http", "url": "http://127.0.0.1:8080/mcp/time/mcp"},
        "error": None,
        "retry": None,
        "since": None,
    }


@pytest.mark.parametrize(
    ("changes", "serving"),
    [
        ({"ports": [20001, 20002]}, 2),
        ({"ports": [], "port": None}, 0),
        ({"state": "failed"}, 0),
        ({"state": "stopped"}, 0),
    ],
)
def test_of_the_replicas_that_are_to_serve_those_that_do_are_counted(changes: dict[str, Any], serving: int) -> None:
    config = {"servers": [spec("time", replicas=3)], "errors": []}
    containers = {"endpoints": [endpoint("time", **changes)], "errors": []}
    state = state_of(config=config, containers=containers)
    assert server_of(state)["replicas"] == {"desired": 3, "serving": serving}


def test_what_became_of_an_entry_and_what_clients_are_told_stands_with_the_server() -> None:
    config = {
        "servers": [spec("time", transport="sse", port=8000)],
        "errors": [],
        "explain": {"time": ["args[1]: '--rm' is ignored: the reconciler removes containers"]},
        "clients": {"time": {"autoApprove": ["now"]}},
    }
    containers = {"endpoints": [endpoint("time", exceptions=["volumes"])], "errors": []}
    server = server_of(state_of(config=config, containers=containers))
    assert (server["transport"], server["port"], server["exceptions"]) == ("sse", 8000, ["volumes"])
    assert server["notes"] == ["args[1]: '--rm' is ignored: the reconciler removes containers"]
    assert server["client"] == {
        "type": "sse",
        "url": "http://127.0.0.1:8080/mcp/time/mcp",
        "autoApprove": ["now"],
    }


def test_a_package_is_told_with_the_version_that_was_installed() -> None:
    recipe = {"runtime": "python", "package": "mcp-server-time", "version": "==2026.1.26"}
    config = {"servers": [spec("time", build=recipe)], "errors": []}
    built = {"servers": ["time"], "package": "mcp-server-time", "version": "2026.1.26", "digest": "sha256:5f0e"}
    before = server_of(state_of(config=config))["package"]
    assert before == {"name": "mcp-server-time", "version": "2026.1.26", "digest": None}
    after = server_of(state_of(config=config, images={"images": [built], "errors": []}))["package"]
    assert after == {"name": "mcp-server-time", "version": "2026.1.26", "digest": "sha256:5f0e"}


def test_the_hosts_that_run_a_server_stand_with_it() -> None:
    containers = {"endpoints": [endpoint("time")], "errors": [], "hosts_by_server": {"time": ["a", "b"]}}
    state = state_of(containers=containers)
    assert (server_of(state)["hosts"], server_of(state, "echo")["hosts"]) == (["a", "b"], None)


def test_the_generation_is_that_of_the_container_that_serves() -> None:
    old = {"endpoints": [endpoint("time", generation="0ld0ld0ld0ld")], "errors": []}
    assert server_of(state_of(containers=old))["generation"] == "0ld0ld0ld0ld"


def test_an_address_that_is_not_known_is_none() -> None:
    state = state_of(routes={"routes": [route("time", url=None, mcp_url=None)], "public_url": None})
    assert server_of(state)["route"]["url"] is None
    assert (server_of(state)["client"], state["monitor"]) == (None, None)


def test_a_server_without_a_route_has_none() -> None:
    assert server_of(state_of(routes={"routes": [route("echo")]}))["route"] is None


def test_the_monitors_own_route_is_no_server() -> None:
    state = state_of(routes={"routes": [route("_monitor"), route("time")]})
    assert [server["name"] for server in state["servers"]] == ["echo", "time"]


# Servers with faults of their own


def test_a_wrong_entry_is_a_server_too() -> None:
    message = "mcp.config.json: mcpServers.github.args[3]: '--privileged' is not allowed"
    config = {"servers": [spec("time")], "errors": [{"server": "github", "message": message}]}
    state = state_of(config=config)
    github = server_of(state, "github")
    assert (github["desired"], github["observed"], github["error"]) == ("invalid", "absent", message)
    assert state["run"]["result"] == "failed"
    assert state["errors"] == [{"server": "github", "step": "config", "message": message}]


def test_a_disabled_server_is_stopped_and_not_an_error() -> None:
    config = {"servers": [spec("time", enabled=False)], "errors": []}
    state = state_of(config=config, containers={"endpoints": [], "errors": []}, probe={"servers": []})
    time = server_of(state)
    assert (time["desired"], time["observed"], time["error"]) == ("disabled", "stopped", None)
    assert time["health"]["reason"] == "disabled"
    assert state["run"]["result"] == "ok"


def test_a_container_that_failed_is_the_servers_error_and_only_once() -> None:
    message = "the image mcp/time is not there and cannot be pulled"
    failed = {
        "failed": True,
        "msg": "1 of 2 servers failed",
        "endpoints": [endpoint("echo"), endpoint("time", None, container=None, state="failed")],
        "errors": [{"server": "time", "message": message}],
    }
    probe = {"servers": [report("echo"), report("time", state="failing", cause="balancer", reason="503")]}
    state = state_of(containers=failed, retire=failed, probe=probe)
    time = server_of(state)
    assert (time["observed"], time["endpoint"], time["container"]) == ("failed", None, None)
    assert time["health"]["status"] == "failing"
    assert time["error"].startswith(message)
    assert [error["step"] for error in state["errors"]] == ["containers", "retire"]
    assert server_of(state, "echo")["error"] is None


def test_a_server_that_does_not_answer_is_an_error_with_a_way_out() -> None:
    failing = report("time", state="failing", cause="bridge", reason="503 by the bridge: the child ended", tools=[])
    state = state_of(probe={"servers": [report("echo"), failing]})
    assert server_of(state)["health"]["status"] == "failing"
    assert server_of(state)["error"] == "503 by the bridge: the child ended; look at: docker logs mcp-time"
    assert state["run"]["result"] == "failed"


def test_a_server_that_wants_its_callers_authorization_is_no_error() -> None:
    closed = report("time", state="failing", cause="auth", reason="401: the server requires an authorization")
    state = state_of(probe={"servers": [report("echo"), closed]})
    time = server_of(state)
    assert (time["health"]["status"], time["error"]) == ("unknown", None)
    assert time["health"]["reason"].startswith("401")
    assert state["run"]["result"] == "ok"


def test_a_server_with_several_faults_tells_all_of_them() -> None:
    routes = {"routes": [], "errors": [{"server": "time", "message": "no target group is left"}], "failed": True}
    containers = {"endpoints": [], "errors": [{"server": "time", "message": "no port is left"}], "failed": True}
    assert server_of(state_of(routes=routes, containers=containers))["error"] == (
        "no port is left; no target group is left"
    )


# Steps that failed as a whole, or were not reached

SKIPPED = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}


def test_without_a_config_nothing_is_known_and_every_fault_of_it_is_told() -> None:
    failed = {"failed": True, "msg": "settings.conf: [service]: what\nmcp.config.json: line 3: a comma is missing"}
    state = state_of(settings={}, config=failed, containers={}, routes={}, retire={}, probe={})
    assert state["servers"] == []
    assert state["fleet"] == "mcp"
    assert state["run"]["interval_seconds"] is None
    assert state["run"]["result"] == "failed"
    assert [error["message"] for error in state["errors"]] == failed["msg"].splitlines()


def test_without_an_engine_the_servers_are_unknown_and_the_reason_stands_once() -> None:
    down = {"failed": True, "msg": "no Docker engine answers at /var/run/docker.sock; start it: systemctl start docker"}
    state = state_of(containers=down, routes=SKIPPED, retire=SKIPPED, probe=SKIPPED)
    assert {server["observed"] for server in state["servers"]} == {"unknown"}
    assert {server["health"]["reason"] for server in state["servers"]} == {"not asked in this run"}
    assert [(error["server"], error["step"]) for error in state["errors"]] == [(None, "containers")]
    assert state["errors"][0]["message"] == down["msg"]


def test_a_disabled_server_is_unknown_where_nobody_came_to_stop_it() -> None:
    config = {"servers": [spec("time", enabled=False)], "errors": []}
    state = state_of(config=config, containers={"failed": True, "msg": "no engine"}, routes={}, retire={}, probe={})
    assert server_of(state)["observed"] == "unknown"


def test_a_run_that_ended_between_two_steps_says_before_which() -> None:
    state = state_of(containers={}, routes={}, retire={}, probe={})
    assert [error["message"] for error in state["errors"]] == [
        "the run ended before the containers were converged; its output names the task that failed"
    ]


def test_a_run_of_which_nothing_is_known_is_not_ok() -> None:
    state = state_of(settings={}, config={}, containers={}, routes={}, retire={}, probe={})
    assert state["run"]["result"] == "failed"
    assert state["servers"] == []


def test_check_mode_needs_no_retirement_and_no_probe() -> None:
    planned = {"endpoints": [endpoint("echo"), endpoint("time", None, state="planned")], "errors": []}
    run = dataclasses.replace(RUN, check_mode=True)
    state = state_of(run=run, containers=planned, retire={}, probe={})
    assert state["run"]["result"] == "ok"
    assert state["run"]["check_mode"] is True
    assert server_of(state)["observed"] == "absent"


def test_an_unreachable_host_is_a_failure_of_its_step() -> None:
    state = state_of(routes={"unreachable": True, "msg": "ssh: connection timed out"}, retire={}, probe={})
    assert [error["message"] for error in state["errors"]] == ["ssh: connection timed out"]


def test_a_failure_without_words_is_still_told() -> None:
    state = state_of(routes={"failed": True}, retire={}, probe={})
    assert state["errors"][0]["message"] == "failed without a message; the run's output says more"


# Secrets

CANARY = "s3same-0pen"


def sprinkle(value: Any) -> Any:
    """The same value with a secret in every dict of it, under keys that nobody knows."""
    if isinstance(value, dict):
        return {**{key: sprinkle(part) for key, part in value.items()}, "env_values": {"TOKEN": CANARY}, "x": CANARY}
    return [sprinkle(part) for part in value] if isinstance(value, list) else value


def test_what_is_not_known_is_not_taken() -> None:
    sprinkled = {name: sprinkle(result) for name, result in steps().items()}
    state = build_state(run=RUN, settings=sprinkle(SETTINGS), **sprinkled)
    assert CANARY not in json.dumps(state)
    assert state == build_state(run=RUN, settings=SETTINGS, **steps())


def test_digests_of_secrets_stay_out_too() -> None:
    assert "9f3c" not in json.dumps(state_of())


def test_what_looks_like_a_credential_in_a_message_is_hidden() -> None:
    said = (
        "error: 401 for Authorization: Bearer abcdefghijklmnop1234; tried ghp_0123456789abcdef01 at http://u:pw@host/"
    )
    failing = report("time", state="failing", cause="error", reason=said)
    told = json.dumps(state_of(probe={"servers": [failing]}))
    for secret in ("abcdefghijklmnop1234", "ghp_0123456789abcdef01", "pw@"):
        assert secret not in told
    assert "error: 401 for Authorization: Bearer ***; tried *** at http://u:***@host/" in told


def test_messages_about_keys_and_tokens_stay_readable() -> None:
    message = "mcp.config.json: mcpServers.github.env.GITHUB_TOKEN: must be a string; Bearer tokens go into headers"
    config = {"servers": [], "errors": [{"server": "github", "message": message}]}
    assert state_of(config=config)["errors"][0]["message"] == message


# Whatever comes

KEYS = [
    "name", "server", "message", "msg", "errors", "servers", "endpoints", "routes", "actions", "failed", "skipped",
    "unreachable", "state", "cause", "reason", "port", "priority", "transport", "enabled", "latency_ms", "total",
    "tools", "checked", "image", "path", "url", "generation", "service", "dashboard", "fleet", "version", "action",
    "reconciliation_interval_seconds", "mcp_url", "public_url", "container", "container_name",
    "memory", "cpus", "pids", "network",
]  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["time", "ok"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=40,
)
RESULT = st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6)


@given(config=RESULT, containers=RESULT, routes=RESULT, retire=RESULT, probe=RESULT, options=RESULT)
def test_the_state_keeps_to_its_schema_whatever_the_steps_return(
    config: Any, containers: Any, routes: Any, retire: Any, probe: Any, options: Any
) -> None:
    state = build_state(
        run=RUN,
        settings=options,
        config=config,
        containers=containers,
        routes=routes,
        retire=retire,
        probe=probe,
    )
    jsonschema.Draft202012Validator(SCHEMA).validate(state)
    json.dumps(state, allow_nan=False)
    assert (state["run"]["result"] == "ok") == (state["errors"] == [])


def test_a_server_that_fails_its_probe_is_an_error_also_where_litellm_is_told_after_it() -> None:
    failing = report("time", state="failing", cause="refused", reason="connection refused")
    probe = {"changed": False, "servers": [report("echo"), failing]}
    state = state_of(probe=probe, litellm={"changed": False, "actions": [], "errors": []})
    assert [(each["server"], each["step"]) for each in state["errors"]] == [("time", "probe")]
