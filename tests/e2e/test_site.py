"""The main job, end to end: a config becomes servers that answer through the balancer, and follows every edit."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import urllib.error
import urllib.request
from typing import Any

import jsonschema
import pytest

from tests.e2e.support.client import answers, call, status
from tests.e2e.support.sample import ANOTHER, RUNNING, SAMPLE
from tests.e2e.support.site import FLEET, PROJECT, USERS, Site


@pytest.fixture(autouse=True)
def _sample_config(site: Site) -> Any:
    """Every test starts from the sample config and leaves the fleet that way."""
    yield
    if site.config() != SAMPLE:
        site.write_config(SAMPLE)
        run = site.reconcile()
        assert run.code == 0, run.output


def test_every_sample_server_answers_an_mcp_client_through_the_balancer(site: Site) -> None:
    assert "datetime" in call(f"{site.url}/mcp/time/mcp", "get_current_time", {"timezone": "Europe/Berlin"})
    assert "hello" in call(f"{site.url}/mcp/everything/mcp", "echo", {"message": "hello"})
    assert call(f"{site.url}/mcp/orders/mcp", "order_status", {"order": "A-1"}) == "shipped"


def test_a_path_belongs_to_its_server_and_to_no_other_name(site: Site) -> None:
    answers(f"{site.url}/mcp/timex", 404)
    assert status(f"{site.url}/mcp/time") not in (0, 404)
    assert status(f"{site.url}/mcp/time/") not in (0, 404)


def test_a_second_run_changes_nothing(site: Site) -> None:
    run = site.install()
    assert (run.code, run.changed) == (0, 0), run.output


def test_the_access_keys_secret_is_for_the_control_plane_and_shows_nowhere(site: Site) -> None:
    file = site.etc / "local_alb.credentials"
    owner = (stat.S_IMODE(file.stat().st_mode), file.owner(), file.group())
    assert owner == (0o640, "root", USERS["local_alb_user"])
    secret = file.read_text().split()[-1]
    run = site.reconcile("-vvv")
    assert run.code == 0, run.output
    assert secret not in run.output
    shown = [path for path in site.var.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert shown == []


def test_another_access_key_loses_no_route(site: Site) -> None:
    before = site.rules()
    file = site.etc / "local_alb.credentials"
    old = file.read_text()
    program = [str(site.root / "home" / "venv" / "bin" / "python"), "-B", "-m", "local_alb.api.credentials", str(file)]
    subprocess.run(program, cwd=PROJECT / "files", check=True)
    assert file.read_text() != old
    assert (stat.S_IMODE(file.stat().st_mode), file.group()) == (0o640, USERS["local_alb_user"])
    run = site.reconcile()
    # Of the rest of the run a busy machine may have something else to say.
    assert run.of("routes : Converge the routes") == "ok", run.output
    assert site.rules() == before
    answers(f"{site.url}/mcp/time/health", 200)


def test_an_added_server_runs_and_the_others_are_not_touched(site: Site) -> None:
    containers, rules = site.containers(), site.rules()
    site.write_config({**SAMPLE, "tokyo": ANOTHER})
    run = site.reconcile()
    assert run.code == 0, run.output
    assert "Asia/Tokyo" in call(f"{site.url}/mcp/tokyo/mcp", "get_current_time", {"timezone": "Asia/Tokyo"})
    assert containers.items() <= site.containers().items()
    assert rules.items() <= site.rules().items()


def test_a_removed_server_takes_its_container_rule_and_group_and_nothing_of_anybody_elses(site: Site) -> None:
    api = site.elbv2()
    foreign = api.create_target_group(Name="somebody-elses", Protocol="HTTP", Port=80, VpcId="vpc-00000000000000001")
    stranger = site.docker.containers.create("mcp-sample/time:1", name="somebody-elses-time")
    try:
        groups = site.target_groups()
        site.write_config({name: entry for name, entry in SAMPLE.items() if name != "time"})
        run = site.reconcile()
        assert run.code == 0, run.output
        assert f"{FLEET}-time" not in site.containers()
        assert "/mcp/time" not in site.rules()
        assert len(site.target_groups()) == len(groups) - 1
        assert "somebody-elses" in site.target_groups()
        stranger.reload()
        answers(f"{site.url}/mcp/time/mcp", 404)
    finally:
        stranger.remove(force=True)
        api.delete_target_group(TargetGroupArn=foreign["TargetGroups"][0]["TargetGroupArn"])


def test_a_container_that_somebody_removed_is_back_after_a_run(site: Site) -> None:
    before = site.containers()
    site.docker.containers.get(f"{FLEET}-time").remove(force=True)
    run = site.reconcile()
    assert run.code == 0, run.output
    after = site.containers()
    assert after.keys() == before.keys()
    assert after[f"{FLEET}-time"] != before[f"{FLEET}-time"]
    assert "datetime" in call(f"{site.url}/mcp/time/mcp", "get_current_time", {"timezone": "Europe/Berlin"})


def test_a_disabled_server_is_stopped_and_unrouted(site: Site) -> None:
    site.write_config({**SAMPLE, "time": {**SAMPLE["time"], "disabled": True}})
    run = site.reconcile()
    assert run.code == 0, run.output
    assert "/mcp/time" not in site.rules()
    assert not site.docker.containers.list(filters={"name": f"{FLEET}-time"})
    assert site.servers()["time"]["desired"] == "disabled"


def test_check_mode_says_what_a_run_would_do_and_changes_nothing(site: Site) -> None:
    containers, rules, state = site.containers(), site.rules(), site.state()
    changed = {name: entry for name, entry in SAMPLE.items() if name != "time"}
    changed["everything"] = {**SAMPLE["everything"], "disabled": True}
    site.write_config({**changed, "tokyo": ANOTHER})
    run = site.reconcile("--check", "--diff")
    assert run.code == 0, run.output
    for server in ("tokyo", "time", "everything"):
        assert f"/mcp/{server}" in run.output
        assert f"{FLEET}-{server}" in run.output or f"{server}:" in run.output
    assert (site.containers(), site.rules(), site.state()) == (containers, rules, state)


def test_one_bad_entry_fails_alone_and_the_run_says_so(site: Site) -> None:
    bad = {"command": "docker", "args": ["run", "-i", "--privileged", "mcp-sample/time:1"]}
    missing = {"command": "docker", "args": ["run", "-i", "mcp-sample/no-such-image:1"]}
    site.write_config({**SAMPLE, "bad": bad, "missing": missing, "tokyo": ANOTHER})
    run = site.reconcile()
    assert run.code != 0
    assert "--privileged" in run.output
    assert "Traceback" not in run.output
    servers = site.servers()
    assert servers["tokyo"]["observed"] == "running"
    assert "--privileged" in servers["bad"]["error"]
    assert "no-such-image" in servers["missing"]["error"]
    assert site.state()["run"]["result"] == "failed"


def test_a_mistake_in_an_entry_leaves_its_server_serving(site: Site) -> None:
    containers, rules = site.containers(), site.rules()
    site.write_config(
        {**SAMPLE, "time": {**SAMPLE["time"], "args": ["run", "-i", "--privileged", "mcp-sample/time:1"]}}
    )
    run = site.reconcile()
    assert run.code != 0
    assert (site.containers(), site.rules()) == (containers, rules)
    assert "datetime" in call(f"{site.url}/mcp/time/mcp", "get_current_time", {"timezone": "Europe/Berlin"})


def test_a_changed_server_is_replaced_without_a_second_container_left_behind(site: Site) -> None:
    before = site.containers()
    site.write_config(
        {
            **SAMPLE,
            "time": {
                **SAMPLE["time"],
                "args": ["run", "--rm", "-i", "-e", "TZ", "--memory", "300m", "mcp-sample/time:1"],
            },
        }
    )
    run = site.reconcile()
    assert run.code == 0, run.output
    after = site.containers()
    assert after.keys() == before.keys()
    assert after[f"{FLEET}-time"] != before[f"{FLEET}-time"]
    assert site.docker.containers.get(f"{FLEET}-time").attrs["HostConfig"]["Memory"] == 300 * 1024 * 1024


def test_the_state_file_is_true_to_its_schema_and_to_the_world(site: Site) -> None:
    state = site.state()
    jsonschema.validate(state, json.loads((PROJECT / "files" / "state.schema.json").read_text()))
    assert state["run"]["result"] == "ok"
    servers = site.servers()
    assert sorted(servers) == sorted(SAMPLE)
    for name in RUNNING:
        assert servers[name]["health"]["status"] == "ok"
        assert servers[name]["health"]["tools"]
        assert servers[name]["condition"] == "ok"
        assert servers[name]["container"]["id"] == site.containers()[servers[name]["container"]["name"]]
        assert servers[name]["route"]["rule_arn"] == site.rules()[f"/mcp/{name}"]


def test_the_routes_file_says_what_the_listener_holds(site: Site) -> None:
    found = json.loads((site.var / "routes.json").read_text())
    jsonschema.validate(found, json.loads((PROJECT / "files" / "routes.schema.json").read_text()))
    (listener,) = found["listeners"]
    assert listener["problem"] is None
    rules = {rule["server"]: rule for rule in listener["rules"] if rule["ours"]}
    assert set(rules) == {*RUNNING, "_monitor"}
    for name in RUNNING:
        assert rules[name]["arn"] == site.rules()[f"/mcp/{name}"]
        assert rules[name]["conditions"] == [f"path is /mcp/{name} or /mcp/{name}/*"]
    targets = [target for group in listener["target_groups"] for target in group["targets"]]
    # The target of a server that a test before has replaced may still drain.
    assert {target["state"] for target in targets} - {"draining"} == {"healthy"}
    assert {quota["name"].partition("-per-")[0]: quota["used"] for quota in listener["quotas"]} == {
        "rules": len(rules),
        "target-groups": len(rules),
        "targets": len(targets),
    }


def test_containers_are_named_labelled_and_hardened(site: Site) -> None:
    for name in RUNNING:
        container = site.docker.containers.get(f"{FLEET}-{name}")
        host = container.attrs["HostConfig"]
        assert container.labels["mcp_service"] == name
        assert host["CapDrop"] == ["ALL"]
        assert "no-new-privileges" in " ".join(host["SecurityOpt"])
        assert host["ReadonlyRootfs"]
        assert host["PidsLimit"] > 0
        assert host["Memory"] > 0
        for bindings in host["PortBindings"].values():
            assert [binding["HostIp"] for binding in bindings] == ["127.0.0.1"]


def test_the_monitor_asks_for_a_password_and_shows_every_server(site: Site) -> None:
    page = f"{site.url}/monitor"
    answers(page, 401)
    password = (site.etc / "monitor.password").read_text().strip()
    token = base64.b64encode(f"admin:{password}".encode()).decode()
    with urllib.request.urlopen(urllib.request.Request(page, headers={"Authorization": f"Basic {token}"})) as answer:
        text = answer.read().decode()
    for name in SAMPLE:
        assert name in text
    pages = {
        "logs": "the watcher does not keep logs",  # there is none on this site
        "calls": "Calls of all servers",
        "runs": "servers answer",
        "routes": "All routes lead to healthy targets",
    }
    for path, words in pages.items():
        asked = urllib.request.Request(f"{page}/{path}", headers={"Authorization": f"Basic {token}"})
        with urllib.request.urlopen(asked) as answer:
            assert words in answer.read().decode(), path


def test_no_secret_is_found_in_anything_a_run_leaves_behind(site: Site) -> None:
    canary = "canary-5d1f0c"
    secret = {
        **ANOTHER,
        "args": ["run", "--rm", "-i", "-e", "API_TOKEN", "mcp-sample/time:1"],
        "env": {"API_TOKEN": canary},
    }
    site.write_config({**SAMPLE, "tokyo": secret})
    output = site.reconcile("-vvvv", "--diff").output
    container = site.docker.containers.get(f"{FLEET}-tokyo")
    assert f"API_TOKEN={canary}" in container.attrs["Config"]["Env"]
    assert canary not in output
    assert canary not in json.dumps(container.attrs["Config"]["Labels"])
    assert canary not in json.dumps([container.attrs["Args"], container.attrs["Path"]])
    left = [path for path in site.var.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]
    assert left == []
