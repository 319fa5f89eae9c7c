# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of flags: complete, without contradictions, and read in all spellings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flag_values import (
    ALLOWED,
    GUARDED,
    HARMLESS,
    READERS,
    SWITCHES,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flags import (
    BY_LETTER,
    BY_NAME,
    FLAGS,
    Flag,
    Handling,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_run_parser import parse_docker_run
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.security import Security
from hypothesis import example, given
from hypothesis import strategies as st

Read = Callable[..., Fleet]

# What `docker run --help` of Docker 28 lists; a colon marks those that take a value.
DOCKER_28 = """
add-host: annotation: a,attach: blkio-weight: blkio-weight-device: cap-add: cap-drop: cgroup-parent: cgroupns:
cidfile: cpu-count: cpu-percent: cpu-period: cpu-quota: cpu-rt-period: cpu-rt-runtime: c,cpu-shares: cpus:
cpuset-cpus: cpuset-mems: d,detach detach-keys: device: device-cgroup-rule: device-read-bps: device-read-iops:
device-write-bps: device-write-iops: disable-content-trust dns: dns-opt: dns-option: dns-search: domainname:
entrypoint: e,env: env-file: expose: gpus: group-add: health-cmd: health-interval: health-retries:
health-start-interval: health-start-period: health-timeout: help h,hostname: init i,interactive io-maxbandwidth:
io-maxiops: ip: ip6: ipc: isolation: kernel-memory: l,label: label-file: link: link-local-ip: log-driver: log-opt:
mac-address: m,memory: memory-reservation: memory-swap: memory-swappiness: mount: name: net: net-alias: network:
network-alias: no-healthcheck oom-kill-disable oom-score-adj: pid: pids-limit: platform: privileged p,publish:
P,publish-all pull: q,quiet read-only restart: rm runtime: security-opt: shm-size: sig-proxy stop-signal:
stop-timeout: storage-opt: sysctl: tmpfs: t,tty ulimit: use-api-socket u,user: userns: uts: v,volume: volume-driver:
volumes-from: w,workdir:
"""


@pytest.mark.parametrize("listed", DOCKER_28.split())
def test_every_flag_of_docker_is_in_the_table_as_docker_has_it(listed: str) -> None:
    short, _comma, name = listed.rstrip(":").rpartition(",")
    flag = BY_NAME[name]
    assert flag.takes_value == listed.endswith(":")
    assert not short or BY_LETTER[short] is flag


def test_no_flag_stands_twice() -> None:
    names = Counter(name for flag in FLAGS for name in (flag.name, flag.alias) if name)
    letters = Counter(flag.short for flag in FLAGS if flag.short)
    assert max(names.values()) == max(letters.values()) == 1


def test_every_mapped_flag_has_a_reader_and_every_reader_a_flag() -> None:
    readers = {*READERS, *GUARDED, *SWITCHES, "env", "env-file"}
    assert readers == {flag.name for flag in FLAGS if flag.handling is Handling.MAPPED}
    assert set(SWITCHES) == {flag.name for flag in FLAGS if flag.handling is Handling.MAPPED and not flag.takes_value}


def test_every_flag_that_settings_let_through_has_a_reader_and_a_setting() -> None:
    guarded = {flag.name: flag.allow for flag in FLAGS if flag.allow}
    assert set(guarded) == set(ALLOWED)
    assert set(guarded.values()) <= set(vars(Security()))
    assert set(HARMLESS) <= set(guarded)


def test_every_flag_that_is_not_mapped_tells_why() -> None:
    assert not [flag.name for flag in FLAGS if flag.handling is not Handling.MAPPED and not flag.note]


_VALUES = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=8)


@example(BY_LETTER["w"], "my folder")
@example(BY_LETTER["e"], "A b")
@given(st.sampled_from(FLAGS), _VALUES.filter(lambda value: value == value.strip()))
def test_all_spellings_of_a_flag_are_read_alike(flag: Flag, value: str) -> None:
    if flag.takes_value:
        spellings = [[f"--{flag.name}", value], [f"--{flag.name}={value}"]]
        if flag.short:
            spellings += [[f"-{flag.short}", value], [f"-{flag.short}={value}"], [f"-i{flag.short}", value]]
            spellings += [[f"-{flag.short}{value}"]] if not value.startswith("=") else []
    else:
        value = "true"
        spellings = [[f"--{flag.name}"], [f"--{flag.name}=true"], *([[f"-{flag.short}"]] if flag.short else [])]
    for spelling in spellings:
        findings = Findings("f", "b", "s")
        run = parse_docker_run([*spelling, "image", "-e", "x"], 0, findings)
        assert not findings.errors
        assert (run.uses[-1].flag, run.uses[-1].value, run.image, run.command) == (flag, value, "image", ("-e", "x"))


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--add-host=db:10.0.0.1", "--add-host", "h=host-gateway"], {"ExtraHosts": ["db:10.0.0.1", "h:host-gateway"]}),
        (["-c", "512"], {"CpuShares": 512}),
        (["--cpuset-cpus=0-1,3", "--cpuset-mems", "0"], {"CpusetCpus": "0-1,3", "CpusetMems": "0"}),
        (["--dns=::1", "--dns-opt", "ndots:1"], {"Dns": ["::1"], "DnsOptions": ["ndots:1"]}),
        (["--memory-reservation", "64m"], {"MemoryReservation": 67108864}),
        (["--oom-score-adj=500"], {"OomScoreAdj": 500}),
        (["--ulimit", "nofile=1024"], {"Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 1024}]}),
        (["--sysctl", "net.core.somaxconn=1024"], {"Sysctls": {"net.core.somaxconn": "1024"}}),
        (["--sysctl=net.ipv6.conf.all.disable_ipv6=1"], {"Sysctls": {"net.ipv6.conf.all.disable_ipv6": "1"}}),
        (["--ipc=private", "--security-opt=no-new-privileges:true", "--privileged=false"], {}),
    ],
)
def test_rare_flags_go_to_the_engine_as_its_api_has_them(
    read_args: Read, args: list[str], expected: dict[str, object]
) -> None:
    fleet = read_args("-i", *args, "a")
    assert not fleet.errors
    assert fleet.specs[0].host_config == expected


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--add-host", "db"], "'--add-host db' is not host:address"),
        (["--add-host", "db:x"], "'--add-host db:x' has no IP address"),
        (["--dns", "x"], "'--dns x' has no IP address"),
        (["--ulimit", "files=1"], "'--ulimit files=1' is not a known limit; write for example nofile=1024:2048"),
        (
            ["--sysctl", "vm.swappiness=1"],
            "vm.swappiness=1' affects more than the container itself",
        ),
        (["--sysctl", "net.ipv4.conf.all.proxy_arp=1"], "affects more than the container itself"),
        (["--sysctl", "net.ipv4.ip_forward=1"], "affects more than the container itself"),
        (["--sysctl", "net.ipv6.conf.eth0.disable_ipv6=0"], "affects more than the container itself"),
        (["--ulimit", "rtprio=99"], "would give the server priority over others on the host"),
        (["--ulimit", "nice=40"], "would give the server priority over others on the host"),
        (["--tmpfs", "/x:size=200%"], "has a share of the host's memory as size; write for example size=64m"),
        (["--mount", 'type=tmpfs,target=/x,"tmpfs-mode=777,size=90%"'], "has a tmpfs-mode that is no mode of a folder"),
        (["--stop-signal", "9 "], "'--stop-signal 9 ' is not a signal"),
        (["--platform", "windows/amd64"], "'--platform windows/amd64' is not a platform"),
        (["--pull", "sometimes"], "'--pull sometimes' is not always, missing or never"),
        (["--label", "mcp_fleet=x"], "'--label mcp_fleet=x' is a label of the fleet itself"),
        (["--label", "api_token=canary"], "'--label api_token=…' would show a secret to everybody"),
        (["--mount", "type=npipe,source=x,target=/x"], "mounts the type 'npipe', which is not supported"),
        (["--mount", "type=bind,source=name,target=/x"], "needs an absolute path of the host as source for bind"),
        (["--mount", "type=bind,source=/srv/x,target=/x,volume-subpath=y"], "has 'volume-subpath', which is not"),
        (["--mount", "target"], "needs an absolute path in the container"),
        (["--env-file", "x.env"], "'--env-file x.env' is not an absolute path"),
        (["--env-file", "/nonexistent"], "'--env-file /nonexistent' cannot be read on the host: No such file"),
        (["--entrypoint", '["node"]'], "is a list; write only the program"),
    ],
)
def test_what_a_rare_flag_cannot_mean_is_an_error(read_args: Read, args: list[str], message: str) -> None:
    (error,) = read_args("-i", *args, "a").errors
    assert message in str(error)
    assert "canary" not in str(error)


@pytest.mark.parametrize(
    ("allow", "args"),
    [
        ("allow_privileged", ["--privileged"]),
        ("allow_docker_socket", ["-v", "/var/run/docker.sock:/s"]),
        ("allow_host_paths", ["--mount", "type=bind,src=/etc,dst=/e"]),
        ("allow_host_network", ["--network=host"]),
        ("allow_host_namespaces", ["--pid=host"]),
        ("allow_host_namespaces", ["--ipc", "host"]),
        ("allow_capabilities", ["--cap-add=SYS_PTRACE"]),
        ("allow_devices", ["--device=/dev/fuse:/dev/fuse:rw"]),
        ("allow_devices", ["--gpus", '"device=0,1"']),
        ("allow_security_opt", ["--security-opt", "apparmor=unconfined"]),
    ],
)
def test_what_is_refused_passes_when_settings_say_so_and_the_error_names_the_key(
    read: Read, allow: str, args: list[str]
) -> None:
    servers = {"x": {"command": "docker", "args": ["run", "-i", *args, "a"]}}
    (error,) = read(servers).errors
    assert f"set {allow} in settings.conf if you mean it" in str(error)
    fleet = read(servers, f"[security]\n{allow} = true\n")
    assert not fleet.errors
    plain = read({"x": {"command": "docker", "args": ["run", "-i", "a"]}}).specs[0]
    assert fleet.specs[0].generation != plain.generation


@pytest.mark.parametrize(
    "args",
    [
        [f"--{flag}={value}"]
        for flag, value in [
            ("cgroup-parent", "/"),
            ("cgroupns", "host"),
            ("device", "/dev/sda"),
            ("device-cgroup-rule", "a *:* rwm"),
            ("gpus", "all"),
            ("ipc", "host"),
            ("ipc", "container:db"),
            ("oom-kill-disable", "true"),
            ("oom-score-adj", "-1000"),
            ("pid", "container:db"),
            ("runtime", "sysbox"),
            ("security-opt", "apparmor=unconfined"),
            ("security-opt", "no-new-privileges=false"),
            ("security-opt", "seccomp=unconfined"),
            ("security-opt", "systempaths=unconfined"),
            ("storage-opt", "size=1t"),
            ("sysctl", "kernel.core_pattern=|/x"),
            ("uidmap", "0:0:1"),
            ("ulimit", "rtprio=99"),
            ("use-api-socket", "true"),
            ("userns", "host"),
            ("uts", "host"),
            ("volumes-from", "db"),
        ]
    ],
)
def test_no_flag_hands_over_more_than_the_container_by_default(read_args: Read, args: list[str]) -> None:
    assert read_args("-i", *args, "a").errors


@pytest.mark.parametrize("args", [["--volumes-from=x"], ["--oom-kill-disable"], ["--cgroup-parent", "x"]])
def test_what_no_setting_lets_through_is_to_be_removed(read_args: Read, args: list[str]) -> None:
    (error,) = read_args("-i", *args, "a").errors
    assert str(error).endswith("; remove it")


def test_a_profile_of_the_client_s_machine_is_an_error_even_where_settings_let_options_through(read: Read) -> None:
    args = ["run", "-i", "--security-opt", "seccomp=/home/me/profile.json", "a"]
    (error,) = read({"x": {"command": "docker", "args": args}}, "[security]\nallow_security_opt = true\n").errors
    assert "names a file, which only docker's command line reads; write seccomp=unconfined" in str(error)


def test_the_explanation_of_what_is_ours_names_each_flag(read_args: Read) -> None:
    ours = [flag for flag in FLAGS if flag.handling is Handling.OURS]
    args = [word for flag in ours for word in ([f"--{flag.name}", "x"] if flag.takes_value else [f"--{flag.name}"])]
    fleet = read_args(*args, "a")
    assert not fleet.errors
    told = json.dumps(fleet.explain["x"])
    assert not [flag.name for flag in ours if f"'--{flag.name}' is ignored: {flag.note}" not in told]
