"""What a fault must leave as it was: what is somebody else's, and the room and number of what is ours."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.e2e.support.site import FLEET, Site, processes_naming

NAME = f"{FLEET}x-stranger"
CHAIN = f"{FLEET.upper()}X-STRANGER"
# What a site's directories may grow by: records and reports, which are bounded.
ROOM_BYTES = 64 * 1024 * 1024
# Files that are there from the first thing on that there is to record.
RECORDS = frozenset({"audit.jsonl", "login.json", "tools.json"})
PATH = "/chaos-stranger"
# What HAProxy adds to its own arguments at a reload.
RELOADED = re.compile(r"-sf(?: \d+)+ |-x \S+ ")


class Strangers:
    """A container, a network, a rule with its target group and a chain of the packet filter: somebody else's."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def make(self) -> None:
        """Makes them all."""
        docker = self._site.docker
        docker.networks.create(NAME, driver="bridge", labels={"owner": "somebody"})
        image = docker.containers.list(filters={"label": f"mcp_fleet={FLEET}"})[0].image
        docker.containers.create(image, ["86400"], name=NAME, entrypoint="sleep", network=NAME).start()
        api = self._site.elbv2()
        made = api.create_target_group(Name=NAME, Protocol="HTTP", Port=80, VpcId="vpc-00000000000000001")
        (group,) = made["TargetGroups"]
        api.create_rule(
            ListenerArn=self._listener(),
            Priority=4000,
            Conditions=[{"Field": "path-pattern", "Values": [PATH]}],
            Actions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
            Tags=[{"Key": "owner", "Value": "somebody"}],
        )
        subprocess.run(["iptables", "-N", CHAIN], check=True)
        subprocess.run(["iptables", "-A", CHAIN, "-s", "192.0.2.7", "-j", "RETURN"], check=True)

    def _listener(self) -> str:
        api = self._site.elbv2()
        (balancer,) = api.describe_load_balancers()["LoadBalancers"]
        (listener,) = api.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
        return str(listener["ListenerArn"])

    def remove(self) -> None:
        """Removes what there is of them."""
        docker = self._site.docker
        for found in docker.containers.list(all=True, filters={"name": f"^{NAME}$"}):
            found.remove(force=True)
        for network in docker.networks.list(names=[NAME]):
            network.remove()
        with suppress(Exception):  # a control plane that is away takes its rules with it
            api = self._site.elbv2()
            api.delete_rule(RuleArn=self._site.rules()[PATH])
            (group,) = api.describe_target_groups(Names=[NAME])["TargetGroups"]
            api.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
        for flag in ("-F", "-X"):
            subprocess.run(["iptables", flag, CHAIN], check=False, stderr=subprocess.DEVNULL)

    def seen(self) -> dict[str, str]:
        """Returns all that there is to see of each, for a comparison byte by byte."""
        api, docker = self._site.elbv2(), self._site.docker
        rule = self._site.rules()[PATH]
        groups = api.describe_target_groups(Names=[NAME])["TargetGroups"]
        return {
            "container": _text(docker.api.inspect_container(NAME)),
            "network": _text(docker.api.inspect_network(NAME)),
            "rule": _text(api.describe_rules(RuleArns=[rule])["Rules"]),
            "tags": _text(api.describe_tags(ResourceArns=[rule])["TagDescriptions"]),
            "target group": _text(groups),
            "chain": subprocess.run(["iptables", "-S", CHAIN], check=True, capture_output=True, text=True).stdout,
        }


def _text(found: Any) -> str:
    return json.dumps(found, sort_keys=True, default=str)


@contextmanager
def strangers(site: Site) -> Iterator[Strangers]:
    """Strangers beside a site while the block lasts."""
    found = Strangers(site)
    found.remove()
    try:
        found.make()
        yield found
    finally:
        found.remove()


def ours(site: Site) -> dict[str, Any]:
    """Returns what a site consists of by kind, so that what is left behind shows as a difference."""
    api = site.docker.api
    label = {"label": f"mcp_fleet={FLEET}"}
    return {
        "containers": sorted(each["Names"][0] for each in api.containers(all=True, filters=label)),
        "networks": sorted(each["Name"] for each in api.networks(filters=label)),
        "volumes": sorted(each["Name"] for each in api.volumes(filters=label)["Volumes"] or ()),
        "rules": sorted(site.rules()),
        "target groups": len(site.target_groups()),
        "processes": dict(Counter(plain(each) for each in processes_naming(site.root))),
        "files": sorted(_files(site.var)),
    }


def plain(command: str) -> str:
    """Returns a command line without what differs each time."""
    lasting = RELOADED.sub("", " ".join(command.split()))
    return re.sub(r"\d+", "N", lasting)[:200]


def _files(directory: Path) -> Iterator[str]:
    """What lies directly in a directory and in those of it whose files have lasting names, but for bounded records."""
    for path in directory.iterdir():
        if path.name not in RECORDS and path.suffix != ".corrupt":  # what cannot be read is kept for people
            yield path.name
        if path.name == "requests":
            yield from (f"requests/{each.name}" for each in path.iterdir())


def room(site: Site) -> int:
    """Returns the bytes that a site's own directories take."""
    return sum(path.lstat().st_size for path in site.var.rglob("*") if path.is_file() and not path.is_symlink())


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Returns in which kinds two looks at the world differ, and how."""
    return [f"{kind}: {_change(before[kind], after[kind])}" for kind in before if before[kind] != after[kind]]


def _change(before: Any, after: Any) -> str:
    if not isinstance(before, dict):
        return f"{before} became {after}"
    other = sorted(each for each in {*before, *after} if before.get(each) != after.get(each))
    return ", ".join(f"{each!r}: {before.get(each)} became {after.get(each)}" for each in other)
