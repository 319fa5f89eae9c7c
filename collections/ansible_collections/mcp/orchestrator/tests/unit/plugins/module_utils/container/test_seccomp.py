# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profile of system calls: what it says, who gets it, and how a change of it reaches containers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import exceptions
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import confinement_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.seccomp import Profile, ProfileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Confinement, World
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import POLICY, run, spec
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)

FILE = (
    next(parent for parent in Path(__file__).parents if (parent / "files").is_dir()) / "files/seccomp/mcp-server.json"
)
PROFILE = Profile.of(str(FILE), FILE.read_text())
RULES: list[dict[str, Any]] = json.loads(FILE.read_text())["syscalls"]
WITH = replace(POLICY, seccomp=PROFILE)
# What Docker's default refuses without a capability, and what we refuse beyond it.
REFUSED = """
acct add_key adjtimex bpf chroot clock_settime delete_module fanotify_init fanotify_mark finit_module fsconfig
fsmount fsopen get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
kexec_file_load kexec_load keyctl listmount lookup_dcookie mbind modify_ldt mount mount_setattr move_mount
name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
process_mrelease process_vm_readv process_vm_writev ptrace quotactl reboot remap_file_pages request_key
set_mempolicy setdomainname sethostname setns settimeofday statmount swapoff swapon syslog umount umount2 unshare
userfaultfd ustat vhangup vm86 vm86old vmsplice
"""


def applying(arch: str = "amd64", capabilities: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The rules that an engine makes of the profile, as https://docs.docker.com/engine/security/seccomp/ has it."""

    def met(condition: dict[str, Any]) -> list[bool]:
        have = {"arches": {arch}, "caps": set(capabilities)}
        return [bool(have[key] & set(values)) for key, values in condition.items()]

    return [each for each in RULES if all(met(each.get("includes", {}))) and not any(met(each.get("excludes", {})))]


def allowed(name: str, **where: Any) -> list[dict[str, Any]]:
    return [each for each in applying(**where) if name in each["names"] and each["action"] == "SCMP_ACT_ALLOW"]


def test_the_profile_is_a_list_of_what_is_allowed() -> None:
    profile = json.loads(FILE.read_text())
    assert (profile["defaultAction"], profile["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 1)
    assert {each["action"] for each in RULES if each["names"] != ["clone3"]} == {"SCMP_ACT_ALLOW"}


@pytest.mark.parametrize("name", REFUSED.split())
def test_what_no_server_needs_is_refused_without_a_capability(name: str) -> None:
    assert not any(allowed(name, arch=arch) for arch in ("amd64", "arm64", "riscv64", "ppc64le"))


def test_new_namespaces_are_refused_and_threads_are_not() -> None:
    (clone,) = allowed("clone")
    assert clone["args"] == [{"index": 0, "value": 0x7E020000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]
    (other,) = allowed("clone", arch="s390x")
    assert other["args"][0]["index"] == 1
    assert not allowed("clone3")


def test_sockets_are_of_the_four_families_that_servers_speak() -> None:
    def families(**where: Any) -> list[list[tuple[int, int]]]:
        return [[(each["index"], each["value"]) for each in rule["args"]] for rule in allowed("socket", **where)]

    assert families() == [[(0, 1)], [(0, 2)], [(0, 10)], [(0, 16), (2, 0)]]
    assert [(0, 17)] in families(capabilities=("CAP_NET_RAW",))
    assert not allowed("socketcall")
    assert allowed("socketcall", arch="s390x")


@pytest.mark.parametrize("name", ["execve", "openat", "futex", "epoll_pwait", "mmap", "statx", "memfd_create"])
def test_what_every_program_needs_is_allowed(name: str) -> None:
    (rule,) = allowed(name)
    assert "args" not in rule


def test_a_container_gets_the_profile_and_a_label_with_its_digest_alone() -> None:
    engine = SimulatedEngine()
    run(engine, [spec("a")], WITH)
    (container,) = list(engine.held.values())
    assert container["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true", f"seccomp={PROFILE.text}"]
    assert container["Config"]["Labels"]["mcp_seccomp"] == PROFILE.digest
    assert len(json.dumps(container["Config"]["Labels"])) < 2000
    assert run(engine, [spec("a")], WITH)["changed"] is False


def test_another_profile_replaces_the_containers_and_the_diff_shows_its_digest_alone() -> None:
    engine = SimulatedEngine()
    run(engine, [spec("a")], WITH)
    other = Profile.of("/p", '{"defaultAction": "SCMP_ACT_ERRNO"}')
    result = run(engine, [spec("a")], replace(POLICY, seccomp=other))
    (action,) = result["actions"]
    assert action["action"] == "recreate"
    assert f"its seccomp profile is {PROFILE.digest}, should be {other.digest}" in action["reason"]
    assert "SCMP" not in json.dumps(result)


@pytest.mark.parametrize("own", [{"SecurityOpt": ["seccomp=unconfined"]}, {"Privileged": True}])
def test_an_entry_with_its_own_profile_or_none_at_all_keeps_that(own: dict[str, Any]) -> None:
    engine = SimulatedEngine()
    run(engine, [spec("a", host_config=own)], WITH)
    (container,) = list(engine.held.values())
    assert PROFILE.text not in json.dumps(container)
    assert "mcp_seccomp" not in container["Config"]["Labels"]
    assert run(engine, [spec("a", host_config=own)], WITH)["changed"] is False


def test_an_engine_without_seccomp_gets_none_and_the_page_says_so() -> None:
    engine = SimulatedEngine()
    engine.itself = {"SecurityOptions": []}
    result = run(engine, [spec("a")], WITH)
    assert "any system call: the engine has no seccomp" in result["endpoints"][0]["exceptions"]
    (container,) = list(engine.held.values())
    assert container["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert run(engine, [spec("a")], WITH)["changed"] is False


def test_a_profile_of_the_host_s_owner_stays() -> None:
    owners = confinement_of({"SecurityOptions": ["name=apparmor", "name=seccomp,profile=/etc/docker/s.json"]})
    assert WITH.on(owners).seccomp is None
    assert exceptions(spec("a"), World(confinement=owners)) == []
    assert WITH.on(Confinement(seccomp="unconfined")).seccomp == PROFILE
    assert WITH.on(Confinement(seccomp="builtin")).seccomp == PROFILE


def test_podman_gets_the_path_of_the_profile() -> None:
    engine = SimulatedEngine()
    engine.itself |= {"Components": [{"Name": "Podman Engine"}]}
    run(engine, [spec("a")], WITH)
    (container,) = list(engine.held.values())
    assert container["HostConfig"]["SecurityOpt"][1] == f"seccomp={FILE}"
    # It would forget the host's own limits for the one that we name.
    assert container["HostConfig"]["Ulimits"] == []


def test_a_profile_that_is_no_json_is_refused_with_the_way_out() -> None:
    with pytest.raises(ProfileError, match=r"the seccomp profile /p is not JSON: .*; install it again"):
        Profile.of("/p", "{")
    assert Policy().seccomp is None
