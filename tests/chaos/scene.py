"""The site that is broken: its servers, what lies where, and whether it is as its config says."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.exceptions

from tests.e2e.support.client import status
from tests.e2e.support.sample import ANOTHER, SAMPLE
from tests.e2e.support.site import FLEET, Site, settings

# Pooled: each call stands alone, so that a client has no session whose end would be counted with its calls.
SERVERS: dict[str, Any] = {
    "time": {**SAMPLE["time"], "orchestrator": {"isolation": "pooled"}},
    "orders": SAMPLE["orders"],
    "pair": {**ANOTHER, "orchestrator": {"isolation": "pooled", "replicas": 2}},
}
SERVICES = ("watcher", "local_alb", "monitor", "haproxy")
# Between two timed runs; what the watcher cannot see waits for one.
INTERVAL_SECONDS = 60
# How long the API throttles or refuses.
OUTAGE_SECONDS = 120.0
# Tags by which a rule is known as the fleet's.
OWNERSHIP = frozenset({"mcp_fleet", "mcp_listener"})


class FaultySite(Site):
    """A site whose control plane fails when it is told to (files/local_alb/api/faults.py), for ``outage_seconds``."""

    outage_seconds = OUTAGE_SECONDS
    _client: Any = None

    @property
    def variables(self) -> dict[str, Any]:
        return {**super().variables, "local_alb_options": ["--faults"]}

    def elbv2(self) -> Any:
        """The client of the first call: making one costs more than ten calls, and a site is looked at all the time."""
        if self._client is None:
            self._client = super().elbv2()
        return self._client

    def forget_client(self) -> None:
        """Has the next call make another client, as after a change of the access key."""
        self._client = None


@contextmanager
def watched_site(
    interval: int = INTERVAL_SECONDS, outage: float = OUTAGE_SECONDS, more: str = "", routes: str = ""
) -> Iterator[FaultySite]:
    """An installation of its own with a watcher and a timed run every ``interval`` seconds.

    ``more`` are further lines of its settings, of [service] first, and ``routes`` of [routes]. Raises RuntimeError
    where it cannot be made.
    """
    root = Path(tempfile.mkdtemp(prefix="mcp-chaos-", dir="/var/tmp"))
    site = FaultySite(root)
    site.outage_seconds = outage
    lines = f"reconciliation_interval_seconds = {interval}\n{more}"
    (site.etc / "settings.conf").write_text(settings(routes, watcher=True) + lines)
    site.write_config(SERVERS)
    try:
        run = site.install()
        if run.code:
            raise RuntimeError(f"the site could not be installed: {run.output[-2000:]}")
        yield site
    finally:
        gone = site.play("teardown")
        if gone.code == 0:  # else what is left needs its files
            shutil.rmtree(root, ignore_errors=True)
    if gone.code:
        raise RuntimeError(f"the site could not be torn down: {gone.output[-2000:]}")


def containers_of(site: Site, server: str) -> list[Any]:
    """Returns a server's containers, the first replica first."""
    labels = [f"mcp_fleet={FLEET}", f"mcp_service={server}"]
    found = site.docker.containers.list(all=True, filters={"label": labels})
    return sorted(found, key=lambda each: int(each.labels.get("mcp_replica", 1)))


def run_under_way(site: Site) -> bool:
    """Whether a whole run holds its lock."""
    path = Path(f"/run/mcp-orchestrator/run-{FLEET}.lock")
    if not path.exists():  # nobody has begun one since the boot
        return False
    with path.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def supervisor(site: Site, *arguments: str) -> str:
    """Runs supervisorctl, and returns what it prints."""
    program = [str(site.root / "home/venv/bin/supervisorctl"), "-c", str(site.var / "supervisor/supervisord.conf")]
    return subprocess.run([*program, *arguments], check=False, capture_output=True, text=True).stdout


def processes(site: Site, program: str) -> list[int]:
    """Returns the processes of a program, or of a Python module, that name something of the site in their arguments."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it ended while we looked
            continue
        called = words[2:3] if words[1:2] == ["-m"] else [Path(word).name for word in words[:2]]
        if program in called and any(str(site.root) in word for word in words):
            found.append(int(command.parent.name))
    return [each for each in found if each != os.getpid()]


def group_of(site: Site, server: str) -> str:
    """Returns the target group to which a server's rule forwards."""
    api = site.elbv2()
    (rule,) = api.describe_rules(RuleArns=[site.rules()[f"/mcp/{server}"]])["Rules"]
    return str(rule["Actions"][-1]["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"])


def replicas(entry: dict[str, Any]) -> int:
    """Returns how many containers an entry of the config wishes."""
    return int(entry.get("orchestrator", {}).get("replicas", 1))


def wrong(site: Site) -> str:
    """Returns what is not as the config says, the first thing found; empty where all is. Never raises for a fault."""
    try:
        return _services(site) or _containers(site) or _routes(site) or _answers(site)
    except (OSError, ValueError, KeyError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        return f"{type(error).__name__}: {error}"


def _services(site: Site) -> str:
    return next((f"no process of {name}" for name in SERVICES if not processes(site, name)), "")


def _containers(site: Site) -> str:
    found = site.docker.api.containers(all=True, filters={"label": f"mcp_fleet={FLEET}"})
    desired = {name: replicas(entry) for name, entry in site.config().items() if not entry.get("disabled")}
    well: Counter[str] = Counter()
    for each in found:
        name = each["Names"][0] if each["Names"] else each["Id"]
        if each["Labels"]["mcp_service"] not in desired and each["State"] == "exited":
            continue  # a server that is switched off keeps its container
        # What the engine says of its health is as old as its last probe; the balancer's targets say it anew.
        if each["State"] != "running":
            return f"{name} is {each['State']}, {each['Status']}"
        if not each["NetworkSettings"]["Networks"]:
            return f"{name} has no network"
        if not name.startswith(f"/{FLEET}-{each['Labels']['mcp_service']}"):
            return f"{name} has another name"
        well[each["Labels"]["mcp_service"]] += 1
    return "" if well == desired else f"containers: {dict(well)}, desired: {desired}"


def _routes(site: Site) -> str:
    api = site.elbv2()
    rules = site.rules()
    desired = {"/monitor", *(f"/mcp/{name}" for name in site.running())}
    if set(rules) - {"/chaos-stranger"} != desired:
        return f"rules: {sorted(rules)}"
    described = api.describe_rules(RuleArns=[rules[path] for path in desired])["Rules"]
    if far := [each["Priority"] for each in described if not 1000 <= int(each["Priority"]) < 2000]:
        return f"priorities: {far}"
    for name in site.running():
        found = api.describe_target_health(TargetGroupArn=group_of(site, name))["TargetHealthDescriptions"]
        healthy = [each for each in found if each["TargetHealth"]["State"] == "healthy"]
        if len(healthy) != replicas(site.config()[name]):
            return f"{name} has {len(healthy)} healthy targets"
    return ""


def _answers(site: Site) -> str:
    for name in site.running():
        if (code := status(f"{site.url}/mcp/{name}/health")) != 200:
            return f"{name} answers {code}"
    code = status(f"{site.url}/monitor")
    return "" if code in (200, 401) else f"the monitor answers {code}"


def report(site: Site) -> dict[str, Any]:
    """Returns the state of the last run; empty where it cannot be read."""
    try:
        return dict(json.loads((site.var / "state.json").read_text()))
    except (OSError, ValueError):
        return {}
