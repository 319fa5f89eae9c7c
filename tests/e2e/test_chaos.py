"""Everything at once: what people, machines and runs do to a site, in an order that a seed decides.

After each blow two runs at the most lead back to the wished fleet, every server answers, and a third has nothing to do.
`make chaos SEED=7` repeats an order; `make test` strikes three times.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import docker
import pytest

from tests.e2e.support.client import call, status
from tests.e2e.support.sample import ANOTHER, SAMPLE
from tests.e2e.support.site import FLEET, Site, processes_naming
from tests.e2e.support.waiting import until

BLOWS = 40 if os.environ.get("MCP_CHAOS") else 3
SEED = int(os.environ.get("SEED") or 1)

Blow = Callable[[Site, random.Random], None]


def any_container(site: Site, chance: random.Random) -> Any:
    return site.docker.containers.get(chance.choice(sorted(site.containers())))


def kill_a_container(site: Site, chance: random.Random) -> None:
    any_container(site, chance).kill()


def stop_a_container(site: Site, chance: random.Random) -> None:
    any_container(site, chance).stop(timeout=1)


def remove_a_container(site: Site, chance: random.Random) -> None:
    any_container(site, chance).remove(force=True)


def remove_all_containers(site: Site, chance: random.Random) -> None:
    for name in site.containers():
        site.docker.containers.get(name).remove(force=True)


def pause_a_container(site: Site, chance: random.Random) -> None:
    any_container(site, chance).pause()


def rename_a_container(site: Site, chance: random.Random) -> None:
    any_container(site, chance).rename(f"{FLEET}-renamed-{chance.randrange(10**6)}")


def swell_a_container(site: Site, chance: random.Random) -> None:
    any_container(site, chance).update(mem_limit="700m", memswap_limit="700m")


def cut_a_container_off(site: Site, chance: random.Random) -> None:
    container = any_container(site, chance)
    for network in container.attrs["NetworkSettings"]["Networks"]:
        site.docker.networks.get(network).disconnect(container, force=True)


def delete_a_rule(site: Site, chance: random.Random) -> None:
    site.elbv2().delete_rule(RuleArn=chance.choice(sorted(site.rules().values())))


def move_a_rule(site: Site, chance: random.Random) -> None:
    moved = {"RuleArn": chance.choice(sorted(site.rules().values())), "Priority": chance.randrange(3000, 40000)}
    site.elbv2().set_rule_priorities(RulePriorities=[moved])


def deregister_the_targets_of_a_server(site: Site, chance: random.Random) -> None:
    api = site.elbv2()
    arn = chance.choice([group["TargetGroupArn"] for group in api.describe_target_groups()["TargetGroups"]])
    found = api.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    if found:
        api.deregister_targets(TargetGroupArn=arn, Targets=[each["Target"] for each in found])


def kill_the_balancer(site: Site, chance: random.Random) -> None:
    """Either process of it; the supervisor starts it again."""
    mark = chance.choice(["-m local_alb", "haproxy.cfg"])
    subprocess.run(["pkill", "-KILL", "-f", "--", f"{mark}.*{site.var}|{site.var}.*{mark}"], check=False)


def edit_the_config(site: Site, chance: random.Random) -> None:
    servers = {**SAMPLE, "tokyo": ANOTHER} if chance.random() < 0.5 else dict(SAMPLE)
    name = chance.choice(sorted(servers))
    change = chance.choice(["disable", "remove", "environment"])
    if change == "remove":
        del servers[name]
    elif change == "disable":
        servers[name] = {**servers[name], "disabled": True}
    else:
        servers[name] = {**servers[name], "env": {**servers[name].get("env", {}), "LUCK": str(chance.random())}}
    site.write_config(servers)


def kill_a_run(site: Site, chance: random.Random) -> None:
    run = site.start_reconcile()
    deadline = time.monotonic() + chance.uniform(0.5, 6)
    until(lambda: run.poll() is not None or time.monotonic() > deadline, "the run is under way")
    with contextlib.suppress(ProcessLookupError):  # it had ended
        os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    gone = "the killed run's modules are gone"
    until(lambda: not [each for each in processes_naming(site.root) if "ansible-playbook" in each], gone, 60)


def run_without_an_engine(site: Site, chance: random.Random) -> None:
    assert site.reconcile(environment={"DOCKER_HOST": "unix:///nowhere.sock"}).code != 0


def run_twice_at_once(site: Site, chance: random.Random) -> None:
    runs = [site.start_reconcile() for _run in range(2)]
    for run in runs:
        output, _ = run.communicate(timeout=300)
        assert "Traceback" not in output


ALL: list[Blow] = [
    kill_a_container,
    stop_a_container,
    remove_a_container,
    remove_all_containers,
    pause_a_container,
    rename_a_container,
    swell_a_container,
    cut_a_container_off,
    delete_a_rule,
    move_a_rule,
    deregister_the_targets_of_a_server,
    kill_the_balancer,
    edit_the_config,
    kill_a_run,
    run_without_an_engine,
    run_twice_at_once,
]


@pytest.fixture
def stranger(site: Site) -> Iterator[Any]:
    """Somebody else's container and target group, which stay as they are whatever happens to the fleet."""
    api = site.elbv2()
    group = api.create_target_group(Name="chaos-stranger", Protocol="HTTP", Port=80, VpcId="vpc-00000000000000001")
    container = site.docker.containers.create("mcp-sample/time:1", name="chaos-stranger")
    yield container
    container.remove(force=True)
    api.delete_target_group(TargetGroupArn=group["TargetGroups"][0]["TargetGroupArn"])
    site.write_config(SAMPLE)
    run = site.reconcile()
    assert run.code == 0, run.output


def answers(site: Site) -> bool:
    """Whether both halves of the balancer are up, be it again."""
    try:
        site.rules()
        return status(f"{site.url}/nowhere") == 404
    except (OSError, ValueError, botocore.exceptions.BotoCoreError):
        return False


def assert_whole(site: Site, history: list[str]) -> None:
    """Two runs at the most, and the fleet is as its config says; the next run has nothing to do."""
    told = f"seed {SEED}: {', '.join(history)}"
    for _run in range(3):
        run = site.reconcile()
        if (run.code, run.changed) == (0, 0):
            break
    assert (run.code, run.changed) == (0, 0), f"{told}\n{run.output}"
    names = {name.removeprefix(f"{FLEET}-") for name in site.containers()}
    assert set(site.running()) <= names <= set(site.config()), told  # a disabled server's container may be there
    assert set(site.rules()) == {"/monitor", *(f"/mcp/{name}" for name in site.running())}, told
    states = {name: server["health"]["status"] for name, server in site.servers().items() if name in site.running()}
    assert states == dict.fromkeys(site.running(), "ok"), told


def test_whatever_happens_two_runs_make_the_site_whole(site: Site, stranger: Any) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    history: list[str] = []
    for _blow in range(BLOWS):
        for strike in chance.sample(ALL, chance.choice([1, 1, 2])):
            history.append(strike.__name__)
            print(strike.__name__, flush=True)
            try:
                strike(site, chance)
            except docker.errors.APIError as error:  # the blow before it left nothing to strike, or in no such state
                history.append(f"({error.explanation})")
            until(lambda: answers(site), "the supervisor started the balancer again", 60)
        assert_whole(site, history)
    stranger.reload()
    assert stranger.status == "created"
    assert "chaos-stranger" in site.target_groups()
    if "time" in site.running():
        assert "datetime" in call(f"{site.url}/mcp/time/mcp", "get_current_time", {"timezone": "Europe/Berlin"})
