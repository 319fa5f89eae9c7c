# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reasons that a person understands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import (
    POLICY,
    run,
    spec,
    whole_run,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)

PODMAN_DROPS = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
]
Hurt = Callable[[dict[str, Any]], object]


def fleet() -> SimulatedEngine:
    engine = SimulatedEngine()
    run(engine, [spec("a")])
    return engine


def told(engine: SimulatedEngine, **more: Any) -> list[str]:
    actions = run(engine, [spec("a", **more)], check_mode=True)["actions"]
    return [f"{each['action']}: {each['reason']}" for each in actions]


def test_a_moved_tag_is_named_with_both_images() -> None:
    engine = fleet()
    engine.images["one"] = "sha256:" + "9" * 64
    assert told(engine) == ["recreate: image one is now sha256:999999999999 (was sha256:111111111111)"]


def failing(output: str) -> dict[str, Any]:
    """The health of a container whose last health check printed ``output`` and failed."""
    return {"Status": "unhealthy", "FailingStreak": 2, "Log": [{"ExitCode": 0, "Output": ""}, {"Output": output}]}


def test_a_changed_spec_tells_what_changed() -> None:
    assert told(fleet(), memory=256 * 1024**2, image="two") == ["recreate: image one → two, memory 512 MiB → 256 MiB"]


def test_a_changed_env_tells_the_name_only() -> None:
    assert told(fleet(), env={"TOKEN": "0" * 16}) == ["recreate: env TOKEN changed"]


@pytest.mark.parametrize(
    ("hurt", "plan"),
    [
        (lambda c: c["State"].update(Status="paused"), ["unpause: it is paused"]),
        (
            lambda c: c["State"].update(
                Status="paused", Health={"Status": "unhealthy", "FailingStreak": 0, "Log": [{}]}
            ),
            ["unpause: it is paused"],
        ),
        (
            lambda c: c["State"].update(
                Status="paused", Health={"Status": "unhealthy", "FailingStreak": 3, "Log": [{}]}
            ),
            ["unpause: it is paused", "restart: its health check fails"],
        ),
        (lambda c: c["State"].update(Status="exited", ExitCode=137), ["start: it is stopped (exit code 137)"]),
        (lambda c: c["State"].update(Health={"Status": "unhealthy"}), ["restart: its health check fails"]),
        (lambda c: c["State"].update(Health=failing('{"state": "starting", "kind": "starting"}')), []),
        (lambda c: c["State"].update(Health=failing('{"state": "failing", "kind": "late"}')), []),
        (
            lambda c: c["State"].update(Health=failing('{"state": "failing", "kind": "silent"}')),
            ["restart: its health check fails"],
        ),
        (lambda c: c["State"].update(Health=failing('["late"]')), ["restart: its health check fails"]),
        (
            lambda c: c["State"].update(Health=failing("the bridge does not answer")),
            ["restart: its health check fails"],
        ),
        (lambda c: c["HostConfig"].update(Memory=0), ["update: memory is unlimited, should be 512 MiB"]),
        (lambda c: c["HostConfig"].update(PidsLimit=None), ["update: pids is unlimited, should be 256"]),
        (
            lambda c: c["HostConfig"].update(RestartPolicy={"Name": ""}),
            ["update: restart policy is no, should be unless-stopped"],
        ),
        (
            lambda c: c["HostConfig"].update(CapDrop=[]),
            ["recreate: dropped capabilities is none, should be ALL"],
        ),
        (
            lambda c: c["HostConfig"].update(ReadonlyRootfs=False),
            ["recreate: read-only root is off, should be on"],
        ),
        (lambda c: c["NetworkSettings"].update(Networks={}), ["recreate: it is not connected to f-net"]),
    ],
)
def test_each_drift_has_its_step_and_its_reason(hurt: Hurt, plan: list[str]) -> None:
    engine = fleet()
    (container,) = engine.of_fleet("f")
    hurt(container)
    assert told(engine) == plan


@pytest.mark.parametrize(
    "echo",
    [
        {"CapDrop": ["CAP_ALL"]},
        {"SecurityOpt": ["no-new-privileges"]},
        {"SecurityOpt": ["no-new-privileges=true"]},
        {"NanoCpus": 0, "CpuPeriod": 100000, "CpuQuota": 100000},
        {"CapAdd": None},
        {"CapDrop": [*PODMAN_DROPS, "MKNOD", "NET_RAW"]},
        {"NetworkMode": "bridge"},
        {"LogConfig": {"Type": "json-file", "Config": None}},
    ],
)
def test_the_same_settings_in_another_engine_s_words_is_no_drift(echo: dict[str, Any]) -> None:
    engine = fleet()
    (container,) = engine.of_fleet("f")
    container["HostConfig"].update(echo)
    assert told(engine) == []


def test_a_registry_with_a_newer_image_is_followed_when_the_pull_policy_is_always() -> None:
    engine = SimulatedEngine()
    engine.registry["one"] = engine.images["one"]
    always = spec("a", pull="always")
    whole_run(engine, [always])
    assert run(engine, [always])["actions"] == []
    engine.registry["one"] = "sha256:" + "8" * 64
    actions = run(engine, [always])["actions"]
    assert [each["action"] for each in actions] == ["pull", "recreate"]
    run(engine, [always], retire=True)
    assert run(engine, [always])["actions"] == []
    assert [each["Image"] for each in engine.of_fleet("f")] == [engine.registry["one"]]


def test_a_registry_is_followed_where_the_tag_is_no_longer_on_this_host() -> None:
    engine = SimulatedEngine()
    engine.registry["one"] = engine.images["one"]
    always = spec("a", pull="always")
    whole_run(engine, [always])
    serving = engine.images.pop("one")
    engine.images["one@old"] = serving  # the image is there, its tag is not
    assert run(engine, [always])["actions"] == []
    engine.registry["one"] = "sha256:" + "8" * 64
    assert [each["action"] for each in run(engine, [always])["actions"]] == ["pull", "recreate"]
    run(engine, [always], retire=True)
    assert run(engine, [always])["actions"] == []


def test_a_plan_shows_the_restart_policy_that_the_entry_asks_for() -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a", restart="on-failure")])
    (container,) = engine.of_fleet("f")
    container["HostConfig"]["Memory"] = 0
    (change,) = run(engine, [spec("a", restart="on-failure")], check_mode=True)["actions"]
    assert change["after"]["restart"] == "on-failure"


def test_an_image_for_another_processor_is_told_with_the_way_out() -> None:
    engine = SimulatedEngine()
    engine.itself |= {"OSType": "linux", "Architecture": "x86_64"}
    engine.platforms["one"] = ("linux", "arm64")
    ours, asked = spec("a"), spec("b", platform="linux/arm64")
    engine.sick = {ours.generation}
    result = run(engine, [ours, asked])
    wrong = "image one is made for linux/arm64 and this host is linux/amd64"
    assert [text.partition(", which")[0] for text in result["warnings"]] == [f"a: {wrong}"]
    assert wrong in result["errors"][0]["message"]


@pytest.mark.parametrize(
    ("engine_says", "image_says"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("x86_64", "386"), ("", "arm64")]
)
def test_an_image_that_this_host_runs_is_no_reason_for_a_warning(engine_says: str, image_says: str) -> None:
    engine = SimulatedEngine()
    engine.itself |= {"OSType": "linux", "Architecture": engine_says}
    engine.platforms["one"] = ("linux", image_says)
    assert run(engine, [spec("a")])["warnings"] == []


def test_an_image_that_may_not_be_pulled_is_told_with_the_way_out() -> None:
    result = run(SimulatedEngine(), [spec("a", image="far", pull="never")])
    assert "its pull policy is never; build or load it" in result["errors"][0]["message"]


def test_other_pages_are_let_in_by_a_new_container_of_a_bridged_server_only() -> None:
    engine = SimulatedEngine()
    servers = [spec("a"), spec("b", transport="stdio", command=("x",))]
    whole_run(engine, servers)
    pages = replace(POLICY, allowed_origins=("https://app.example.com",))
    actions = run(engine, servers, policy=pages)["actions"]
    assert [(each["action"], each["server"], each["reason"]) for each in actions] == [
        ("recreate", "b", "allowed_origins is none, should be https://app.example.com")
    ]
    run(engine, servers, policy=pages, retire=True)
    assert run(engine, servers, policy=pages)["actions"] == []


def test_another_log_level_is_followed_by_a_new_container_of_a_bridged_server_only() -> None:
    engine = SimulatedEngine()
    servers = [spec("a"), spec("b", transport="stdio", command=("x",))]
    whole_run(engine, servers)
    loud = replace(POLICY, log_level="debug")
    actions = run(engine, servers, policy=loud)["actions"]
    assert [(each["action"], each["server"], each["reason"]) for each in actions] == [
        ("recreate", "b", "the bridge's log level is info, should be debug")
    ]
    run(engine, servers, policy=loud, retire=True)
    assert run(engine, servers, policy=loud)["actions"] == []
    assert [each["reason"] for each in run(engine, servers)["actions"]] == [
        "the bridge's log level is debug, should be info"
    ]


def test_a_changed_wish_for_a_record_of_calls_is_followed_by_a_new_container_of_a_bridged_server_only() -> None:
    engine = SimulatedEngine()
    servers = [spec("a"), spec("b", transport="stdio", command=("x",))]
    whole_run(engine, servers)
    without = replace(POLICY, call_record=False)
    actions = run(engine, servers, policy=without)["actions"]
    assert [(each["action"], each["server"], each["reason"]) for each in actions] == [
        ("recreate", "b", "the bridge's record of calls is on, should be off")
    ]
    run(engine, servers, policy=without, retire=True)
    assert run(engine, servers, policy=without)["actions"] == []
    assert [each["reason"] for each in run(engine, servers)["actions"]] == [
        "the bridge's record of calls is off, should be on"
    ]


def test_a_wish_for_traces_is_followed_by_a_new_container_of_a_server_whose_calls_are_recorded_only() -> None:
    engine = SimulatedEngine()
    silent = spec("c", transport="stdio", command=("x",), bridge={"call_record": False})
    servers = [spec("a"), spec("b", transport="stdio", command=("x",)), silent]
    whole_run(engine, servers)
    traced = replace(POLICY, traces=True)
    actions = run(engine, servers, policy=traced)["actions"]
    assert [(each["action"], each["server"], each["reason"]) for each in actions] == [
        ("recreate", "b", "the bridge's record of calls is on, should be traced")
    ]
    run(engine, servers, policy=traced, retire=True)
    assert run(engine, servers, policy=traced)["actions"] == []
    commands = [" ".join(each["Config"]["Entrypoint"] or []) for each in engine.of_fleet("f")]
    assert sum("--call-record traced" in command for command in commands) == 1


def test_a_server_whose_entry_has_a_log_level_keeps_it_and_its_container() -> None:
    engine = SimulatedEngine()
    servers = [spec("b", transport="stdio", command=("x",), bridge={"log_level": "warning"})]
    whole_run(engine, servers)
    (container,) = engine.of_fleet("f")
    assert " ".join(container["Config"]["Entrypoint"]).count("--log-level warning") == 1
    assert run(engine, servers, policy=replace(POLICY, log_level="debug"))["actions"] == []


@pytest.mark.parametrize("running", [True, False])
def test_a_host_whose_address_has_changed_publishes_on_the_new_one(running: bool) -> None:
    """After it the engine may not even have started the containers: their address is no longer there to bind."""
    before, after = (replace(POLICY, publish_address=address) for address in ("10.0.1.7", "10.0.1.8"))
    engine = SimulatedEngine()
    whole_run(engine, [spec("a")], policy=before)
    if not running:
        (old,) = engine.of_fleet("f")
        old["State"] |= {"Status": "exited", "ExitCode": 128, "Error": "cannot assign requested address"}

    converged, _retired = whole_run(engine, [spec("a")], policy=after)

    (action,) = converged["actions"]
    assert re.fullmatch(
        r"published port is 10\.0\.1\.7:(\d+)→8000/tcp, should be 10\.0\.1\.8:\1→8000/tcp", action["reason"]
    )
    (left,) = engine.of_fleet("f")
    assert [each["HostIp"] for each in left["HostConfig"]["PortBindings"]["8000/tcp"]] == ["10.0.1.8"]
    assert left["State"]["Status"] == "running"
    assert run(engine, [spec("a")], policy=after)["actions"] == []
