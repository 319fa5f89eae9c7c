# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A spec and the docker argv that says the same: what is mapped survives the way there and back."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.security import Security
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.config.docker_run_arguments import (
    run_arguments_of,
)
from hypothesis import given
from hypothesis import strategies as st

KEY = b"k" * 32

names = st.from_regex(r"[a-z][a-z0-9]{1,8}", fullmatch=True)
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: "/srv/" + "/".join(parts))
inside = names.map(lambda name: f"/{name}")
numbers = st.integers(min_value=10, max_value=3600)
sizes = st.integers(min_value=6, max_value=4096).map(lambda count: f"{count}m")
hosts = st.sampled_from(["10.0.0.1", "192.168.1.254", "host-gateway"])
words = st.from_regex(r"[a-z0-9/.=]{1,8}", fullmatch=True)

FLAGS: list[st.SearchStrategy[list[str]]] = [
    st.tuples(names, hosts).map(lambda pair: ["--add-host", f"{pair[0]}:{pair[1]}"]),
    st.integers(2, 262144).map(lambda count: ["--cpu-shares", str(count)]),
    st.integers(1, 64000).map(lambda thousandths: [f"--cpus={thousandths / 1000 + 0.01:.2f}"]),
    st.just(["--cpuset-cpus", "0-1"]),
    st.just(["--dns", "1.1.1.1"]),
    names.map(lambda name: ["--dns-search", f"{name}.example.com"]),
    names.map(lambda name: ["--entrypoint", name]),
    st.tuples(names, names).map(lambda pair: ["-e", f"{pair[0].upper()}={pair[1]}"]),
    names.map(lambda name: ["--group-add", name]),
    names.map(lambda name: ["-h", name]),
    st.sampled_from([["--init"], ["--init=false"]]),
    st.tuples(names, names).map(lambda pair: ["-l", f"{pair[0]}={pair[1]}"]),
    sizes.map(lambda size: ["-m", size]),
    sizes.map(lambda size: ["--memory-reservation", size]),
    st.tuples(paths, inside).map(lambda pair: ["--mount", f"type=bind,src={pair[0]},dst={pair[1]},ro"]),
    names.map(lambda name: [f"--network={name}"]),
    st.integers(0, 1000).map(lambda score: ["--oom-score-adj", str(score)]),
    numbers.map(lambda count: ["--pids-limit", str(count)]),
    st.sampled_from([["--platform", "linux/amd64"], ["--platform=linux/arm64"]]),
    numbers.map(lambda port: ["-p", f"{port}:{port}"]),
    st.sampled_from([["--pull=always"], ["--pull", "never"]]),
    st.sampled_from([["--read-only"], ["--read-only=false"]]),
    sizes.map(lambda size: ["--shm-size", size]),
    st.sampled_from([["--stop-signal", "SIGINT"], ["--stop-signal=15"]]),
    numbers.map(lambda seconds: ["--stop-timeout", str(seconds)]),
    numbers.map(lambda count: ["--sysctl", f"net.core.somaxconn={count}"]),
    inside.map(lambda path: ["--tmpfs", f"{path}:size=8m"]),
    numbers.map(lambda count: ["--ulimit", f"nofile={count}:{count + 1}"]),
    st.tuples(numbers, numbers).map(lambda pair: ["-u", f"{pair[0]}:{pair[1]}"]),
    st.tuples(names, inside).map(lambda pair: ["-v", f"{pair[0]}:{pair[1]}"]),
    inside.map(lambda path: ["-w", path]),
    st.just(["--privileged"]),
    st.just(["--cap-add", "SYS_PTRACE"]),
    st.just(["--device", "/dev/fuse"]),
    st.sampled_from([["--gpus", "all"], ["--gpus=2"], ["--gpus", '"device=0,1"']]),
    st.just(["--pid=host"]),
    st.just(["--security-opt", "seccomp=unconfined"]),
]


def read(args: Sequence[str], env: dict[str, str]) -> Fleet:
    with tempfile.TemporaryDirectory() as folder:
        config, settings = Path(folder) / "mcp.config.json", Path(folder) / "settings.conf"
        entry = {"command": "docker", "args": ["run", *args], "env": env}
        config.write_text(json.dumps({"mcpServers": {"x": entry}}))
        switches = [name for name, value in vars(Security()).items() if value is False and name.startswith("allow_")]
        settings.write_text("[security]\n" + "".join(f"{name} = true\n" for name in switches))
        return read_fleet([str(config)], str(settings), KEY)


@given(st.lists(st.one_of(FLAGS), max_size=8), st.lists(words, max_size=3))
def test_a_mapped_argv_survives_the_way_through_the_spec_and_back(flags: list[list[str]], command: list[str]) -> None:
    args = [*(word for flag in flags for word in flag), "example/image:1", *command]
    first = read(args, {})
    if first.errors:  # two ports, or the like
        assert {error.path for error in first.errors} == {"mcpServers.x.args"}
        return
    (spec,) = first.specs
    values = dict(word.split("=") for flag in flags if flag[0] == "-e" for word in flag[1:])
    again = read(run_arguments_of(spec), values)
    assert not again.errors
    assert replace(again.specs[0], env=spec.env, generation=spec.generation) == spec
    assert again.specs[0].generation == spec.generation
