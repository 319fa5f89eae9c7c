"""The same routes with community.aws and amazon.aws: a loop of target groups, then the load balancer with its rules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.credentials import ACCESS_KEY
from tests.e2e.support.local_alb import INSTANCE_ID, LISTENER_ARN, LocalAlb
from tests.e2e.support.site import PROJECT

# So many of the loop's target groups are made; every one costs the same.
GROUPS = 10
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - community.aws.elb_target_group:
        name: "peer-{{ item }}"
        protocol: http
        port: 80
        vpc_id: "{{ balancer.VpcId }}"
        health_check_protocol: http
        health_check_path: /health
        targets: [{Id: "{{ host }}", Port: "{{ target_port | int }}"}]
        wait: false
        state: present
      loop: "{{ range(made | int) | list }}"
      when: part == "groups"
    - amazon.aws.elb_application_lb:
        name: "{{ balancer.LoadBalancerName }}"
        scheme: internal
        subnets: "{{ balancer.AvailabilityZones | map(attribute='SubnetId') }}"
        security_groups: "{{ balancer.SecurityGroups }}"
        listeners:
          - Protocol: HTTP
            Port: "{{ listener.Port }}"
            DefaultActions: "{{ listener.DefaultActions }}"
            Rules: "{{ rules }}"
        state: present
      when: part == "balancer"
"""
# What the load balancer module asks of EC2 at every run: which security groups the given names are.
SECURITY_GROUPS = """<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><securityGroupInfo>
<item><groupId>sg-00000000000000001</groupId><groupName>local</groupName></item>
</securityGroupInfo></DescribeSecurityGroupsResponse>"""
OURS = """
- hosts: localhost
  gather_facts: false
  tasks:
    - mcp.orchestrator.mcp_alb_route: "{{ options }}"
"""


class Ec2(BaseHTTPRequestHandler):
    """Answers the one question about security groups, at no cost worth the name."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(SECURITY_GROUPS)))
        self.end_headers()
        self.wfile.write(SECURITY_GROUPS.encode())

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def ec2() -> Iterator[str]:
    """Where EC2 answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ec2)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def play(
    command: str, text: str, variables: dict[str, Any], environment: Mapping[str, str] | None = None
) -> tuple[float, bool]:
    """Seconds of a playbook run, and whether it changed something. Raises RuntimeError with its output."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "play.yml").write_text(text)
        (Path(directory) / "variables.json").write_text(json.dumps(variables))
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE", "PYTHONDONTWRITE", "PYTHONPATH"))
        }
        paths = {"ANSIBLE_COLLECTIONS_PATH": str(PROJECT / "collections")} if "mcp.orchestrator" in text else {}
        begin = time.perf_counter()
        done = subprocess.run(
            [command, "play.yml", "-i", "localhost,", "-c", "local", "-e", "@variables.json"],
            cwd=directory,
            env={**inherited, **paths, **(environment or {}), "ANSIBLE_NOCOLOR": "1"},
            text=True,
            capture_output=True,
            check=False,
        )
        spent = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"{done.stdout[-2000:]}{done.stderr[-500:]}")
    return spent, "changed=0" not in done.stdout


def without_change(
    command: str, text: str, variables: dict[str, Any], environment: Mapping[str, str] | None = None
) -> tuple[float, bool]:
    """Run twice; the second run's seconds, and whether even that one changed something."""
    play(command, text, variables, environment)
    return play(command, text, variables, environment)


def peer_figures(environment: str, balancer: LocalAlb, client: Any, port: int, routes: int) -> dict[str, float]:
    """Seconds of a run of the peers that finds everything in its place, for so many routes.

    ``environment`` is a virtual environment with PyPI's ansible. The balancer must have a group for every route, named
    ``peer-0`` and so on; the loop's share is measured on the first of them.
    """
    command = str(Path(environment) / "bin" / "ansible-playbook")
    (found,) = client.describe_load_balancers()["LoadBalancers"]
    (listener,) = client.describe_listeners(ListenerArns=[LISTENER_ARN])["Listeners"]
    actions = [{k: v for k, v in action.items() if k != "Order"} for action in listener["DefaultActions"]]
    variables: dict[str, Any] = {
        "ansible_python_interpreter": sys.executable,
        "balancer": {k: v for k, v in found.items() if k != "CreatedTime"},
        "listener": {"Port": listener["Port"], "DefaultActions": actions},
        "host": INSTANCE_ID,
        "target_port": port,
        "made": GROUPS,
        "rules": [
            {
                "Priority": str(1000 + number),
                "Conditions": [
                    {
                        "Field": "path-pattern",
                        "PathPatternConfig": {"Values": [f"/mcp/s{number}", f"/mcp/s{number}/*"]},
                    }
                ],
                "Actions": [{"Type": "forward", "TargetGroupName": f"peer-{number}"}],
            }
            for number in range(routes)
        ],
    }
    with ec2() as address:
        where = {
            "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": balancer.endpoint_url,
            "AWS_ENDPOINT_URL_EC2": address,
            **{name.upper(): value for name, value in ACCESS_KEY.items()},
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        start = play(command, PLAYBOOK, {**variables, "part": "neither"}, where)[0]
        groups, groups_changed = without_change(command, PLAYBOOK, {**variables, "part": "groups"}, where)
        rules, rules_changed = without_change(command, PLAYBOOK, {**variables, "part": "balancer"}, where)
    each = (groups - start) / GROUPS
    return {
        "peer_group_seconds_each": each,
        "peer_balancer_seconds": rules - start,
        "peer_noop_seconds": start + each * routes + rules - start,
        "peer_changes_again": float(groups_changed or rules_changed),
    }


def our_playbook_seconds(options: dict[str, Any]) -> float:
    """Seconds of a whole run of ours that finds everything in its place."""
    command = str(Path(sys.executable).parent / "ansible-playbook")
    variables = {"ansible_python_interpreter": sys.executable, "options": options}
    spent, changed = without_change(command, OURS, variables)
    if changed:
        raise RuntimeError("our second run changed something")
    return spent
