"""The program in a network namespace of its own, with the packet filter of this kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules as reconciler
from firewall.__main__ import IPV6_ADDRESSES

from tests.unit.firewall.test_rules import GOOD

FILES = Path(__file__).resolve().parents[3] / "files"


class Namespace:
    """A network namespace that a sleeping process holds, and a directory of saved rules."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 120"], stdout=-1)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        inside = ["nsenter", "--net", "--target", str(self._holder.pid), *words]
        return subprocess.run(inside, capture_output=True, text=True, timeout=60, check=False, cwd=FILES)

    def rules(self, program: str = "iptables") -> list[str]:
        """All rules and chains but the built-in ones, of both tables."""
        shown = "".join(self.run(program, "-t", table, "-S").stdout for table in ("filter", "nat"))
        return [line for line in shown.splitlines() if not line.startswith("-P")]

    def save(self, text: str, family: str = "v4", mode: int = 0o600) -> None:
        path = self.directory / f"f.{family}"
        path.write_text(text)
        path.chmod(mode)

    def restore(self) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "firewall", "--directory", str(self.directory), "--fleet", "f")

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()


@pytest.fixture
def namespace(tmp_path: Path) -> Iterator[Namespace]:
    if os.geteuid() != 0 or subprocess.run(["unshare", "--net", "iptables", "-S"], capture_output=True).returncode:
        pytest.skip("needs root and iptables")
    found = Namespace(tmp_path)
    yield found
    found.close()


def closing(rules: list[str]) -> list[str]:
    return [rule for rule in rules if "mcp_fleet=f" in rule and rule.endswith("-j DROP")]


def test_the_same_rules_twice_stand_once(namespace: Namespace) -> None:
    namespace.save(GOOD)
    first = namespace.restore()
    rules = namespace.rules()
    second = namespace.restore()
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "f, iptables: the saved rules are restored" in first.stdout
    assert namespace.rules() == rules
    assert sum("mcp_fleet=f" in rule for rule in rules) == 3
    assert sum(rule.startswith("-A MCP-f ") for rule in rules) == 3


def test_rules_of_others_stay_as_they_are_and_ours_come_first(namespace: Namespace) -> None:
    namespace.run("iptables", "-N", "DOCKER-USER")
    others = ["-A INPUT -p tcp -j ACCEPT", "-A INPUT -i mcp-y -j ACCEPT", "-A DOCKER-USER -j RETURN"]
    for rule in others:
        namespace.run("iptables", *rule.split())
    namespace.save(GOOD)
    assert namespace.restore().returncode == 0
    rules = namespace.rules()
    assert [rule for rule in rules if rule in others] == others
    assert "mcp_fleet=f" in next(rule for rule in rules if rule.startswith("-A INPUT"))
    assert "mcp_fleet=f" in next(rule for rule in rules if rule.startswith("-A DOCKER-USER"))


@pytest.mark.parametrize(
    "text", [None, GOOD[:150], "*filter\n-F\nCOMMIT\n", GOOD.replace("-d 203.0.113.7/32", "-d x/y")]
)
def test_without_rules_that_can_be_restored_the_fleets_bridges_are_closed(
    namespace: Namespace, text: str | None
) -> None:
    if text is not None:
        namespace.save(text)
    done = [namespace.restore(), namespace.restore()]
    assert [each.returncode for each in done] == [0, 0], done[0].stderr
    assert "no new connection is allowed until the next run" in done[0].stdout
    chains = [rule.split()[1] for rule in closing(namespace.rules())]
    assert sorted(chains) == ["DOCKER-USER", "INPUT"]
    if IPV6_ADDRESSES.exists():
        assert sorted(rule.split()[1] for rule in closing(namespace.rules("ip6tables"))) == ["FORWARD", "INPUT"]
        # A chain that only the engine can put to use would look as if it had.
        assert "-N DOCKER-USER" not in namespace.rules("ip6tables")


def test_what_the_reconciler_saves_comes_back_as_what_it_wrote(namespace: Namespace) -> None:
    allowed = reconciler.AllowedContainer("time", "0a:00:00:00:00:01", {"api.test": ("203.0.113.7/32",)}, metadata=True)
    desired = reconciler.ruleset("f", reconciler.HostNetwork(("9.9.9.9",)), ["20000:29999"], "172.20.0.0/16", [allowed])
    for family, text in zip(("v4", "v6"), reconciler.restorable(desired, "f"), strict=True):
        namespace.save(text, family)
    done = namespace.restore()
    assert (done.returncode, done.stdout.count("the saved rules are restored")) == (0, 2), done.stdout + done.stderr
    saved = (namespace.run(f"{program}-save").stdout for program in ("iptables", "ip6tables"))
    assert reconciler.same(reconciler.ours(*saved, "f"), desired, "f")


def test_saved_rules_take_the_place_of_closed_bridges(namespace: Namespace) -> None:
    namespace.restore()
    namespace.save(GOOD)
    assert namespace.restore().returncode == 0
    assert closing(namespace.rules()) == []
    assert any(rule.endswith("-j MCP-f") for rule in namespace.rules())


def test_rules_in_place_are_better_than_closed_bridges(namespace: Namespace) -> None:
    namespace.save(GOOD)
    namespace.restore()
    rules = namespace.rules()
    namespace.save("nothing of value")
    done = namespace.restore()
    assert "the rules in place are kept" in done.stdout
    assert (done.returncode, namespace.rules()) == (0, rules)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_can_write_is_not_believed(namespace: Namespace, mode: int) -> None:
    namespace.save(GOOD, mode=mode)
    assert "could have been written by others" in namespace.restore().stdout
    assert closing(namespace.rules())


def test_a_link_is_not_followed(namespace: Namespace, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(GOOD)
    (tmp_path / "f.v4").symlink_to(tmp_path / "elsewhere")
    assert "cannot be read" in namespace.restore().stdout


def test_a_packet_filter_that_cannot_be_written_fails_with_the_reason(namespace: Namespace, tmp_path: Path) -> None:
    namespace.save(GOOD)
    (tmp_path / "bin").mkdir()
    environment = ["env", f"PATH={tmp_path / 'bin'}"]
    done = namespace.run(*environment, sys.executable, "-m", "firewall", "--directory", str(tmp_path))
    assert done.returncode == 1
    assert "f, iptables: its servers are not confined: iptables-save could not be run" in done.stderr
    assert "Traceback" not in done.stderr
