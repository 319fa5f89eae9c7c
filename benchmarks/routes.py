"""How fast mcp_alb_route brings 100 routes to the load balancer, against the floor of the calls that it must make.

Every call takes 40 ms more than the local ALB itself needs. The floors are the same calls made with bare boto3 in the
same run. Where PEER_ENVIRONMENT names a virtual environment with PyPI's ansible, so is what its collections take.
Prints a table for people, and as its last line one JSON object.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

import boto3  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import Api, connect  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, reconcile  # noqa: E402
from botocore.config import Config  # noqa: E402

from benchmarks.routes_parts.peer import our_playbook_seconds, peer_figures  # noqa: E402
from tests.credentials import ACCESS_KEY  # noqa: E402
from tests.e2e.support.local_alb import INSTANCE_ID, LISTENER_ARN, LocalAlb, running  # noqa: E402
from tests.e2e.support.tiny_server import TinyServer  # noqa: E402
from tests.e2e.support.waiting import until  # noqa: E402

ROUTES = 100
ROLLED = 20
DELAY = 0.04
THREADS = 16
REPEATS = 5
CREATIONS = 3
MODULE = PROJECT / "collections/ansible_collections/mcp/orchestrator/plugins/modules/mcp_alb_route.py"
FLOOR_PROGRAM = """
import boto3, sys
client = boto3.client("elbv2", region_name="us-east-1", endpoint_url=sys.argv[1],
                      aws_access_key_id=sys.argv[3], aws_secret_access_key=sys.argv[4])
listener = client.describe_listeners(ListenerArns=[sys.argv[2]])["Listeners"][0]
client.describe_rules(ListenerArn=sys.argv[2], PageSize=400)
groups = client.describe_target_groups(LoadBalancerArn=listener["LoadBalancerArn"], PageSize=400)["TargetGroups"]
client.describe_tags(ResourceArns=[group["TargetGroupArn"] for group in groups[:20]])
"""


class Stopwatch:
    """An API that remembers when each operation was last answered."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.last: dict[str, float] = {}

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._api.call(operation, arguments)
        self.last[operation] = time.perf_counter()
        return answer

    def pages(self, operation: str, key: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self._api.pages(operation, key, arguments)


def routes_to(port: int, count: int = ROUTES) -> tuple[Route, ...]:
    """So many routes to one port."""
    return tuple(Route(f"s{n:03}", f"/mcp/s{n:03}", (port,), health_path="/health") for n in range(count))


def desired_routes(routes: tuple[Route, ...]) -> DesiredRoutes:
    """Returns what is desired with these routes."""
    return DesiredRoutes(
        Owner("mcp", LISTENER_ARN, INSTANCE_ID), routes, health_interval=5, health_timeout=2, deregistration_delay=5
    )


def raw_client(balancer: LocalAlb) -> Any:
    """Bare boto3, with as many connections as threads."""
    return boto3.client(
        "elbv2",
        region_name="us-east-1",
        endpoint_url=balancer.endpoint_url,
        **ACCESS_KEY,
        config=Config(max_pool_connections=THREADS),
    )


@contextmanager
def balancer_of_its_own() -> Iterator[LocalAlb]:
    """A local ALB without a rule."""
    with (
        tempfile.TemporaryDirectory(prefix="mcp-bench-") as directory,
        running(LocalAlb(Path(directory), "--faults", "--log-level", "WARNING")) as balancer,
    ):
        yield balancer


def fill(balancer: LocalAlb, port: int, count: int = ROUTES) -> DesiredRoutes:
    """Makes so many routes to a port, and returns what is desired with them."""
    desired = desired_routes(routes_to(port, count))
    result = reconcile(connect(*balancer.access), desired, Options())
    if result.errors:
        raise RuntimeError(f"the routes could not be made: {result.errors}")
    return desired


def module_options(balancer: LocalAlb, desired: DesiredRoutes) -> dict[str, Any]:
    """Returns the same as the options of the module, with a settings file beside the balancer's access key."""
    settings = balancer.credentials.with_name("settings.conf")
    names = ("health_interval", "health_timeout", "deregistration_delay")
    shared = "".join(f"{name} = {getattr(desired, name)}\n" for name in names)
    settings.write_text(f"[aws]\nlistener_arn = {LISTENER_ARN}\ninstance_id = {INSTANCE_ID}\n[routes]\n{shared}")
    return {
        "settings": str(settings),
        "endpoint_url": balancer.endpoint_url,
        "credentials_file": str(balancer.credentials),
        "routes": [
            {"name": route.name, "path": route.path, "port": route.ports[0], "health_path": route.health_path}
            for route in desired.routes
        ],
    }


def four_calls(client: Any) -> None:
    """The floor of a run that changes nothing."""
    listener = client.describe_listeners(ListenerArns=[LISTENER_ARN])["Listeners"][0]
    client.describe_rules(ListenerArn=LISTENER_ARN, PageSize=400)
    found = client.describe_target_groups(LoadBalancerArn=listener["LoadBalancerArn"], PageSize=400)
    client.describe_tags(ResourceArns=[group["TargetGroupArn"] for group in found["TargetGroups"][:20]])


def best(what: Callable[[], Any]) -> float:
    """The shortest of some repetitions, in seconds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        what()
        times.append(time.perf_counter() - start)
    return min(times)


def program_cost(arguments: list[str], text: str = "") -> tuple[float, float]:
    """Seconds and CPU seconds of a program, the least of some repetitions."""
    walls, cpus = [], []
    for _ in range(REPEATS):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(arguments, input=text, text=True, check=True, capture_output=True, cwd=PROJECT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        walls.append(time.perf_counter() - start)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(walls), min(cpus)


def measure_module_noop(count: int = ROUTES) -> dict[str, float]:
    """Seconds and CPU seconds of the module as a program when nothing is to do, and of four bare calls as a program.

    There is no delay here: what is compared is the work of this host.
    """
    server = TinyServer("bench")
    try:
        with balancer_of_its_own() as balancer:
            desired = fill(balancer, server.port, count)
            given = module_options(balancer, desired)
            start = "import runpy, sys; sys.path.insert(0, 'collections'); "
            runner = f"{start}runpy.run_path({str(MODULE)!r}, None, '__main__')"
            module = program_cost([sys.executable, "-c", runner], json.dumps({"ANSIBLE_MODULE_ARGS": given}))
            balancer.set_faults()
            words = [balancer.endpoint_url, LISTENER_ARN, *ACCESS_KEY.values()]
            floor = program_cost([sys.executable, "-c", FLOOR_PROGRAM, *words])
    finally:
        server.stop()
    return {
        "module_seconds": module[0],
        "module_cpu_seconds": module[1],
        "floor_seconds": floor[0],
        "floor_cpu_seconds": floor[1],
    }


def measure_noop(balancer: LocalAlb, desired: DesiredRoutes) -> dict[str, float]:
    """A run that changes nothing, 40 ms a call, against its four calls made one after the other."""
    balancer.set_faults({"operation": "*", "delay": DELAY})
    api, client = connect(*balancer.access), raw_client(balancer)
    reconcile(api, desired, Options())
    calls = len(balancer.calls)
    ours = best(lambda: reconcile(api, desired, Options()))
    floor = best(lambda: four_calls(client))
    return {"noop_calls": calls, "noop_seconds": ours, "noop_floor_seconds": floor, "noop_ratio": ours / floor}


def create_floor(balancer: LocalAlb, port: int) -> float:
    """Seconds of the bare calls that make 100 routes, 16 at a time; they are taken away again."""
    client = raw_client(balancer)
    vpc = client.describe_load_balancers()["LoadBalancers"][0]["VpcId"]

    def make(number: int) -> tuple[str, str]:
        group = client.create_target_group(
            Name=f"floor-{number}", Protocol="HTTP", Port=80, VpcId=vpc, HealthCheckPath="/health"
        )["TargetGroups"][0]["TargetGroupArn"]
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "5"}
        client.modify_target_group_attributes(TargetGroupArn=group, Attributes=[delay])
        client.register_targets(TargetGroupArn=group, Targets=[{"Id": INSTANCE_ID, "Port": port}])
        rule = client.create_rule(
            ListenerArn=LISTENER_ARN,
            Priority=1000 + number,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/f{number}", f"/f{number}/*"]}}],
            Actions=[{"Type": "forward", "TargetGroupArn": group}],
        )["Rules"][0]["RuleArn"]
        return rule, group

    balancer.set_faults({"operation": "*", "delay": DELAY})
    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(make, range(ROUTES)))
    spent = time.perf_counter() - start
    balancer.set_faults()
    for rule, group in made:
        client.delete_rule(RuleArn=rule)
        client.delete_target_group(TargetGroupArn=group)
    return spent


def create(port: int) -> tuple[float, float]:
    """Seconds from nothing to the last of 100 rules, 40 ms a call, and to healthy targets."""
    with balancer_of_its_own() as balancer:
        balancer.set_faults({"operation": "*", "delay": DELAY})
        watch = Stopwatch(connect(*balancer.access))
        start = time.perf_counter()
        result = reconcile(watch, desired_routes(routes_to(port)), Options())
        total = time.perf_counter() - start
    if result.errors:
        raise RuntimeError(f"the routes could not be made: {result.errors}")
    return watch.last["create_rule"] - start, total


def measure_create(port: int) -> dict[str, float]:
    """From nothing to 100 routes against the bare calls, by turns, the best of each."""
    floors, runs = [], []
    for _ in range(CREATIONS):
        with balancer_of_its_own() as balancer:
            floors.append(create_floor(balancer, port))
        runs.append(create(port))
    ours, floor = min(seconds for seconds, _ in runs), min(floors)
    return {
        "create_seconds": ours,
        "create_floor_seconds": floor,
        "create_ratio": ours / floor,
        "create_until_healthy_seconds": min(total for _, total in runs),
    }


def measure_throttled(port: int) -> dict[str, float]:
    """From nothing to 100 routes with AWS's documented token buckets."""
    with balancer_of_its_own() as balancer:
        balancer.set_faults(throttle={"describe": [40, 10], "other": [20, 3]})
        start = time.perf_counter()
        result = reconcile(connect(*balancer.access), desired_routes(routes_to(port)), Options(wait_timeout=600))
        spent = time.perf_counter() - start
    return {"throttled_seconds": spent, "throttled_failed_routes": len(result.errors)}


def measure_rolling() -> dict[str, float]:
    """All targets of 20 routes move to another port while requests go on."""
    old, new = TinyServer("old"), TinyServer("new")
    stop = threading.Event()
    statuses: list[int] = []
    try:
        with balancer_of_its_own() as balancer:
            fill(balancer, old.port, ROLLED)
            until(lambda: balancer.status("/mcp/s000/x") == 200, "the first route answers")

            def ask(offset: int) -> None:
                number = offset
                while not stop.is_set():
                    statuses.append(balancer.status(f"/mcp/s{number % ROLLED:03}/x"))
                    number += 1

            askers = [threading.Thread(target=ask, args=(offset * 5,)) for offset in range(4)]
            for asker in askers:
                asker.start()
            start = time.perf_counter()
            result = reconcile(connect(*balancer.access), desired_routes(routes_to(new.port, ROLLED)), Options())
            spent = time.perf_counter() - start
            stop.set()
            for asker in askers:
                asker.join()
    finally:
        stop.set()
        old.stop()
        new.stop()
    if result.errors:
        raise RuntimeError(f"the routes could not be rolled: {result.errors}")
    failed = sum(1 for status in statuses if status != 200)
    return {"rolling_seconds": spent, "rolling_requests": len(statuses), "rolling_failed_requests": failed}


def measure_peers(environment: str, port: int) -> dict[str, float]:
    """A whole playbook run that finds 100 routes in their place: the peers' and ours, without any delay."""
    with balancer_of_its_own() as balancer:
        client = raw_client(balancer)
        vpc = client.describe_load_balancers()["LoadBalancers"][0]["VpcId"]
        for number in range(ROUTES):
            client.create_target_group(
                Name=f"peer-{number}", Protocol="HTTP", Port=80, VpcId=vpc, HealthCheckPath="/health"
            )
        figures = peer_figures(environment, balancer, client, port, ROUTES)
    with balancer_of_its_own() as balancer:
        ours = our_playbook_seconds(module_options(balancer, fill(balancer, port)))
    return {**figures, "our_noop_seconds": ours, "noop_times_faster_than_peers": figures["peer_noop_seconds"] / ours}


def main() -> int:
    """Measure everything and print it."""
    server = TinyServer("bench")
    figures: dict[str, float] = {}
    try:
        with balancer_of_its_own() as balancer:
            figures |= measure_noop(balancer, fill(balancer, server.port))
        figures |= measure_create(server.port)
        figures |= measure_rolling()
        figures |= measure_throttled(server.port)
        module = measure_module_noop()
        if os.environ.get("PEER_ENVIRONMENT"):
            figures |= measure_peers(os.environ["PEER_ENVIRONMENT"], server.port)
    except Exception as error:
        print(f"routes: could not measure: {error}", file=sys.stderr)
        return 1
    finally:
        server.stop()
    figures |= module
    figures["module_cpu_ratio"] = module["module_cpu_seconds"] / module["floor_cpu_seconds"]
    figures["module_ratio"] = module["module_seconds"] / module["floor_seconds"]
    targets: dict[str, list[Any]] = {
        "noop_calls": ["<=", 4],
        "noop_ratio": ["<=", 1.3],
        "create_ratio": ["<=", 1.3],
        "throttled_failed_routes": ["<=", 0],
        "rolling_failed_requests": ["<=", 0],
        "module_ratio": ["<=", 1.5],
        "noop_times_faster_than_peers": [">=", 10],
    }
    targets = {name: target for name, target in targets.items() if name in figures}
    rounded = {name: round(value, 3) for name, value in figures.items()}
    for name, value in rounded.items():
        target = f"{targets[name][0]} {targets[name][1]}" if name in targets else ""
        print(f"{name:34}{value:>12}  {target}")
    met = all(
        figures[name] <= limit if sign == "<=" else figures[name] >= limit for name, (sign, limit) in targets.items()
    )
    print(json.dumps({"benchmark": "routes", "figures": rounded, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
