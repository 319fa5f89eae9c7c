"""One installation of the product under a directory of its own, driven the way an operator drives it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import docker
from botocore.credentials import SharedCredentialProvider

from tests.e2e.support.waiting import until

PROJECT = Path(__file__).resolve().parents[3]
# Two runs of the tests may each have a site of their own on one machine: MCP_TEST_SITE=1 is the second one's.
NUMBER = int(os.environ.get("MCP_TEST_SITE", "0"))
FLEET = f"e2e{NUMBER or ''}"
BASE_PORT = 18000 + 1000 * NUMBER
# A test with a load balancer of "AWS" is no reason to ask this machine's own metadata service.
QUIET = {"ANSIBLE_NOCOLOR": "1", "AWS_EC2_METADATA_DISABLED": "true"}
CONTROL = f"127.0.0.1:{BASE_PORT + 481}"
LISTENER = f"127.0.0.1:{BASE_PORT + 80}"
MONITOR_PORT, ROUTER_CONTROL_PORT, ROUTER_PORT = (BASE_PORT + 482 + each for each in range(3))
PROMETHEUS, ALERTMANAGER = f"127.0.0.1:{BASE_PORT + 490}", f"127.0.0.1:{BASE_PORT + 493}"
COLLECTOR_PORT = BASE_PORT + 494
# In an inventory and not among the extra variables, which would beat what one role tells another.
USERS = {
    "monitor_user": f"{FLEET}-monitor",
    "manager_user": f"{FLEET}-manager",
    "local_alb_user": f"{FLEET}-alb",
    "node_router_user": f"{FLEET}-router",
    "observability_user": f"{FLEET}-observer",
    "traces_user": f"{FLEET}-traces",
}


def settings(routes: str = "", *, watcher: bool = False) -> str:
    """A settings.conf with further lines of [routes]; more of [service], and other sections, may follow it.

    Nobody but the test starts runs.
    """
    return f"""
[watcher]
enabled = {"yes" if watcher else "no"}
[routes]
deregistration_delay = 1
{routes}
[service]
fleet = {FLEET}
port_range_start = {27000 + 1000 * NUMBER}
port_range_end = {27999 + 1000 * NUMBER}
"""


SETTINGS = settings()


@dataclass(frozen=True)
class Run:
    """What one playbook run printed and changed."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """The number of changed tasks as the recap counts them."""
        return int(re.search(r"changed=(\d+)", self.output)[1])

    def of(self, task: str) -> str:
        """What became of a task, with its role before the name: ok, changed or the like; empty where it was not run."""
        found = re.search(rf"^TASK \[{re.escape(task)}\] \*+\n(\w+): ", self.output, re.MULTILINE)
        return found[1] if found else ""


def ended(run: subprocess.Popen[str]) -> Run:
    """What a run printed and changed, once it has ended."""
    output, _ = run.communicate()
    return Run(run.returncode, output)


def processes_naming(root: Path) -> list[str]:
    """The command lines of all processes that name something under ``root``."""
    found: list[str] = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = command.read_bytes().decode(errors="replace")
        except OSError:  # it ended while we looked
            continue
        if str(root) in text:
            found.append(text.replace("\0", " "))
    return found


class Site:
    """An installation with its own directories, ports and fleet, so that it can stand beside a real one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.etc = root / "etc"
        self.var = root / "var"
        self.url = f"http://{LISTENER}"
        self.docker = docker.from_env()
        root.chmod(0o755)  # the monitor's and the balancer's users must get to their files
        self.etc.mkdir()
        (self.etc / "settings.conf").write_text(SETTINGS)
        (root / "inventory.yml").write_text(json.dumps({"mcp_hosts": {"vars": USERS}}))

    @property
    def variables(self) -> dict[str, Any]:
        return {
            "mcp_home": str(self.root / "home"),
            "mcp_etc": str(self.etc),
            "mcp_var": str(self.var),
            "mcp_local_alb_control": CONTROL,
            "mcp_local_alb_listener": LISTENER,
            "mcp_monitor_port": MONITOR_PORT,
            "mcp_monitor_user": USERS["monitor_user"],
            "mcp_manager_user": USERS["manager_user"],
            "mcp_local_alb_user": USERS["local_alb_user"],
            "mcp_node_router_control": f"127.0.0.1:{ROUTER_CONTROL_PORT}",
            "mcp_node_router_port": ROUTER_PORT,
            "mcp_local_alb_service": f"{FLEET}-local-alb",
            "mcp_node_router_service": f"{FLEET}-node-router",
            "monitor_service": f"{FLEET}-monitor",
            "observability_prometheus": PROMETHEUS,
            "observability_alertmanager": ALERTMANAGER,
            "manager_service": f"{FLEET}-manager",
            "watcher_service": f"{FLEET}-watcher",
            "traces_service": f"{FLEET}-traces",
            "mcp_run_lock": f"/run/mcp-orchestrator/run-{FLEET}.lock",
            "mcp_image_bases": {"python": "mcp-base/python:3.11", "node": "mcp-base/node:20"},
        }

    def start(
        self, playbook: str, *arguments: str, environment: dict[str, str] | None = None, project: Path = PROJECT
    ) -> subprocess.Popen[str]:
        """Begin a run of a playbook of the project, or of another release's, in a process group of its own."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE", "PYTHONDONTWRITE"))}
        bins = (project.parent / "venv" / "bin", PROJECT / ".venv" / "bin")  # an installed release has its own
        return subprocess.Popen(
            [
                shutil.which("ansible-playbook", path=os.pathsep.join(map(str, bins))) or "ansible-playbook",
                *(f"playbooks/{playbook}.yml", "-i", "inventory/local", "-i", str(self.root / "inventory.yml")),
                *("-e", json.dumps(self.variables), *arguments),
            ],
            cwd=project,
            env={**inherited, **QUIET, **(environment or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def play(
        self, playbook: str, *arguments: str, environment: dict[str, str] | None = None, project: Path = PROJECT
    ) -> Run:
        """Run a playbook of the project, or of another release's; never raises for a failed run."""
        return ended(self.start(playbook, *arguments, environment=environment, project=project))

    def install(self, project: Path = PROJECT) -> Run:
        """Run the whole site playbook, as setup.sh does."""
        return self.play("site", project=project)

    def start_reconcile(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Begin what the timer runs: the installed release with its own Ansible."""
        project = self.root / "home" / "current"
        return self.start("converge", "--skip-tags", "install", *arguments, environment=environment, project=project)

    def reconcile(self, *arguments: str, environment: dict[str, str] | None = None) -> Run:
        """Run what the timer runs."""
        return ended(self.start_reconcile(*arguments, environment=environment))

    def write_config(self, servers: dict[str, Any]) -> None:
        """Replace the config as an editor does."""
        (self.etc / "mcp.config.json").write_text(json.dumps({"mcpServers": servers}, indent=2))

    def config(self) -> dict[str, Any]:
        return json.loads((self.etc / "mcp.config.json").read_text())["mcpServers"]

    def running(self) -> list[str]:
        """The names of the config's servers that are not disabled."""
        return sorted(name for name, entry in self.config().items() if not entry.get("disabled"))

    def state(self) -> dict[str, Any]:
        return json.loads((self.var / "state.json").read_text())

    def servers(self) -> dict[str, dict[str, Any]]:
        return {server["name"]: server for server in self.state()["servers"]}

    def wait_well(self, *names: str) -> None:
        """Waits until the state says that servers answer.

        On a busy machine the run that starts or meets one may come too early; what the next one says counts.
        """

        def well() -> bool:
            told = self.servers()
            if all(told[name]["health"]["status"] == "ok" for name in names):
                return True
            self.reconcile()
            return False

        until(well, f"the state says that {', '.join(names)} answer")

    def containers(self) -> dict[str, str]:
        """Name -> id of the fleet's containers, running or not."""
        found = self.docker.api.containers(all=True, filters={"label": f"mcp_fleet={FLEET}"})
        return {container["Names"][0].lstrip("/"): container["Id"] for container in found}

    def elbv2(self) -> Any:
        """The control plane's API as whoever may read its access key calls it."""
        key = SharedCredentialProvider(str(self.etc / "local_alb.credentials")).load()
        return boto3.client(
            "elbv2",
            endpoint_url=f"http://{CONTROL}",
            region_name="us-east-1",
            aws_access_key_id=key.access_key,
            aws_secret_access_key=key.secret_key,
        )

    def rules(self) -> dict[str, str]:
        """First path of every rule that has one -> rule ARN."""
        api = self.elbv2()
        (balancer,) = api.describe_load_balancers()["LoadBalancers"]
        (listener,) = api.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
        rules = api.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
        return {rule["Conditions"][0]["Values"][0]: rule["RuleArn"] for rule in rules if rule["Conditions"]}

    def target_groups(self) -> list[str]:
        return sorted(group["TargetGroupName"] for group in self.elbv2().describe_target_groups()["TargetGroups"])
