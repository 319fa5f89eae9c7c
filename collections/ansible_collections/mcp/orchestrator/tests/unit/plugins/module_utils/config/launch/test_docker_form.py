# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet

Read = Callable[..., Fleet]


def errors(fleet: Fleet) -> list[str]:
    return [str(error) for error in fleet.errors]


def only_error(fleet: Fleet) -> str:
    assert len(fleet.errors) == 1, errors(fleet)
    assert not fleet.specs
    return str(fleet.errors[0])


def test_a_silent_argv_gets_the_safe_defaults(read_args: Read) -> None:
    (spec,) = read_args("-i", "--rm", "mcp/time").specs
    assert spec.to_dict() == {
        "name": "x",
        "enabled": True,
        "image": "mcp/time",
        "entrypoint": None,
        "command": None,
        "env": {},
        "transport": "stdio",
        "port": None,
        "path": "/mcp/x",
        "mcp_path": "/mcp",
        "health_path": "/mcp/x/health",
        "health_matcher": "200",
        "strip_prefix": False,
        "host_header": None,
        "volumes": [],
        "tmpfs": ["/tmp"],
        "user": None,
        "workdir": None,
        "memory": 536870912,
        "cpus": 1.0,
        "pids": 256,
        "network": None,
        "instance_metadata": None,
        "signature_key": None,
        "read_only": True,
        "init": True,
        "build": None,
        "platform": None,
        "pull": "missing",
        "replicas": 1,
        "autoscaling": None,
        "placement": None,
        "priority": None,
        "conditions": [],
        "auth": None,
        "isolation": None,
        "idle_timeout": None,
        "sleep_after": None,
        "deep_check_interval": None,
        "bridge": {},
        "restart": None,
        "stop_timeout": None,
        "labels": {},
        "host_config": {},
        "container_config": {},
        "generation": spec.generation,
        "stopped": None,
        "restarted": None,
        "group": None,
        "client_headers": [],
        "template": None,
        "verify": False,
        "requires": [],
        **dict.fromkeys(("required_by", "health", "condition", "start_timeout")),
    }
    assert len(spec.generation) == 12


@pytest.mark.parametrize(
    ("args", "field", "value"),
    [
        (["--memory", "1g"], "memory", 1024**3),
        (["-m=64MiB"], "memory", 64 * 1024**2),
        (["-m64m"], "memory", 64 * 1024**2),
        (["--cpus=0.5"], "cpus", 0.5),
        (["--pids-limit", "64"], "pids", 64),
        (["--network", "backend"], "egress", Egress.named("backend")),
        (["--net=bridge"], "egress", Egress()),
        (["--user", "1000:1000"], "user", "1000:1000"),
        (["-u1000"], "user", "1000"),
        (["--entrypoint", "python"], "entrypoint", ("python",)),
        (["--entrypoint="], "entrypoint", ()),
        (["-w", "/app/"], "workdir", "/app"),
        (["--read-only"], "read_only", True),
        (["--read-only=false"], "read_only", False),
        (["--init=false"], "init", False),
        (["-v", "data:/data"], "volumes", ("data:/data",)),
        (["-v/srv//a/./b:/data:ro"], "volumes", ("/srv/a/b:/data:ro",)),
        (["--volume=/srv/a:/a:rw", "-v", "bb:/b"], "volumes", ("/srv/a:/a", "bb:/b")),
        (["--tmpfs", "/run:size=64m"], "tmpfs", ("/run:size=64m", "/tmp")),
        (["--tmpfs", "/tmp:size=8m"], "tmpfs", ("/tmp:size=8m",)),
        (["-v", "scratch:/tmp"], "tmpfs", ()),
        (["--read-only=false"], "tmpfs", ()),
    ],
)
def test_a_mapped_flag_sets_its_field_of_the_spec(read_args: Read, args: list[str], field: str, value: object) -> None:
    (spec,) = read_args("-i", *args, "mcp/time").specs
    assert getattr(spec, field) == value


def test_everything_behind_the_image_is_the_command(read_args: Read) -> None:
    (spec,) = read_args("-i", "mcp/time", "-e", "--privileged", "run").specs
    assert spec.command == ("-e", "--privileged", "run")


def test_an_entrypoint_without_a_command_drops_the_images_own(read_args: Read) -> None:
    (spec,) = read_args("-i", "--entrypoint", "node", "mcp/time").specs
    assert spec.command == ()


def test_two_dashes_end_the_flags(read_args: Read) -> None:
    (spec,) = read_args("-i", "--", "mcp/time", "x").specs
    assert (spec.image, spec.command) == ("mcp/time", ("x",))


@pytest.mark.parametrize("args", [["-ieTZ"], ["-i", "-e", "TZ"], ["-ite=TZ"], ["--env", "TZ"], ["--env=TZ"]])
def test_a_variable_without_a_value_takes_it_from_env(read_args: Read, args: list[str]) -> None:
    (by_name,) = read_args(*args, "mcp/time", env={"TZ": "UTC"}).specs
    (by_value,) = read_args("-e", "TZ=UTC", "mcp/time").specs
    assert by_name.env == by_value.env
    assert by_name.generation == by_value.generation


def test_a_variable_that_env_lacks_is_an_error(read_args: Read) -> None:
    assert only_error(read_args("-e", "TOKEN", "mcp/time")) == (
        "mcp.config.json: mcpServers.x.args[2]: '-e TOKEN' takes its value from env, where it is missing; add it to env"
    )


def test_a_key_of_env_that_no_flag_names_does_not_reach_the_container_and_is_told(read_args: Read) -> None:
    fleet = read_args("-i", "mcp/time", env={"TOKEN": "a"})
    assert fleet.specs[0].env == {}
    assert fleet.warnings == [
        "mcp.config.json: mcpServers.x.env.TOKEN: does not reach the container: no '-e TOKEN' in args names it; add it"
    ]
    assert any("TOKEN" in line for line in fleet.explain["x"])


@pytest.mark.parametrize("args", [["-p", "8000:8000"], ["-p8000"], ["--publish=127.0.0.1:9000:8000/tcp"]])
def test_a_published_port_makes_an_http_server(read_args: Read, args: list[str]) -> None:
    (spec,) = read_args(*args, "mcp/orders").specs
    assert (spec.transport, spec.port, spec.strip_prefix) == ("http", 8000, True)
    assert (spec.path, spec.mcp_path, spec.health_path, spec.health_matcher) == ("/mcp/x", "/mcp", "/mcp", "200-499")


def test_an_http_server_with_a_health_path_must_answer_200_there(read_args: Read) -> None:
    (spec,) = read_args("-p", "80:80", "a", orchestrator={"path": "/api/mcp", "health_path": "/up"}).specs
    assert (spec.mcp_path, spec.health_path, spec.health_matcher) == ("/api/mcp", "/up", "200")


def test_the_extension_alone_makes_an_http_server(read_args: Read) -> None:
    (spec,) = read_args("mcp/orders", orchestrator={"port": 3000}).specs
    assert (spec.transport, spec.port) == ("http", 3000)


def test_a_stdio_server_may_publish_a_port_for_others(read_args: Read) -> None:
    fleet = read_args("-i", "-p", "3000:3000", "a", orchestrator={"transport": "stdio"})
    assert (fleet.specs[0].transport, fleet.specs[0].port) == ("stdio", None)
    assert any("port 3000 is not published" in each for each in fleet.explain["x"])


@pytest.mark.parametrize(
    "args",
    [
        ["--privileged"],
        ["-v", "/var/run/docker.sock:/var/run/docker.sock"],
        ["-v", "//var//run/./docker.sock:/s"],
        ["-v", "/srv/../run/docker.sock:/s:ro"],
        ["-v", "/:/host"],
        ["-v", "/var:/host:ro"],
        ["-v", "/etc:/host"],
        ["-v", "/proc/1/root:/host"],
        ["-v", "/var/lib/docker/volumes:/host"],
        ["-v", "/home/me/.colima/docker.sock:/s"],
        ["--network", "host"],
        ["--net=host"],
        ["--network", "container:db"],
        ["--pid=host"],
        ["--ipc", "host"],
        ["--uts", "host"],
        ["--userns", "host"],
        ["--cgroupns=host"],
        ["--cap-add", "SYS_ADMIN"],
        ["--device", "/dev/kvm"],
        ["--security-opt", "seccomp=unconfined"],
        ["--volumes-from", "db"],
    ],
)
def test_what_would_hand_over_the_host_is_refused(read_args: Read, args: list[str]) -> None:
    assert "is not allowed" in only_error(read_args("-i", *args, "mcp/time"))


def test_a_refused_switch_that_is_off_is_harmless(read_args: Read) -> None:
    assert not read_args("--privileged=false", "mcp/time").errors


@pytest.mark.parametrize("flag", [["--rm"], ["-i"], ["-t"], ["-it"], ["-d"], ["--name", "mine"], ["--name=mine"]])
def test_what_is_ours_to_decide_is_ignored_and_explained(read_args: Read, flag: list[str]) -> None:
    plain, flagged = read_args("mcp/time"), read_args(*flag, "mcp/time")
    assert flagged.specs == plain.specs
    assert flagged.explain["x"][0].startswith("args[")
    assert "is ignored" in flagged.explain["x"][0]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-i"], "args: has no image"),
        ([], "args: has no image"),
        (["-i", "Mcp/Time"], "args[2]: 'Mcp/Time' is not an image: names of images are lower case"),
        (["TOKEN=abc", "mcp/time"], "args[1]: 'TOKEN=…' stands where the image belongs; is '-e' missing before it?"),
        (["--memory"], "args[1]: '--memory' needs a value"),
        (["--memory", "lots", "a"], "args[2]: '--memory lots' is not a size; write for example 512m or 2g"),
        (["-m", "1m", "a"], "args[2]: '-m 1m' is less than 6m, the engine's minimum"),
        (["--cpus=many", "a"], "args[1]: '--cpus many' is not a number of cores; write for example 0.5 or 2"),
        (["--pids-limit=-1", "a"], "args[1]: '--pids-limit -1' is not between 1 and 4194304"),
        (["--rm=maybe", "a"], "args[1]: '--rm' takes true or false, not 'maybe'"),
        (["--privilege", "a"], "args[1]: '--privilege' is not a flag of docker run; do you mean '--privileged'?"),
        (["-y", "a"], "args[1]: '-y' is not a flag of docker run"),
        (["-p", "53:53/udp", "a"], "args[2]: '-p 53:53/udp' publishes udp; MCP is spoken over tcp"),
        (["-p", "8000-8010:8000-8010", "a"], "args[2]: '-p 8000-8010:8000-8010' is not a port"),
        (["-p", "1:1", "-p", "2:2", "a"], "args: publishes several ports; say with orchestrator.port which one"),
        (["-v", "/data", "a"], "args[2]: '-v /data' has no source"),
        (["-v", "./data:/data", "a"], "args[2]: '-v ./data:/data' has a source that depends on who starts it"),
        (["-v", "~/data:/data", "a"], "args[2]: '-v ~/data:/data' has a source that depends on who starts it"),
        (["-v", "C:\\data:/data", "a"], "args[2]: '-v C:\\data:/data' is a Windows path"),
        (["-v", "dd:/data:rx", "a"], "args[2]: '-v dd:/data:rx' has the mode 'rx'; write ro or rw"),
        (["-v", "dd:/.mcp", "a"], "args[2]: '-v dd:/.mcp' is the bridge's own directory"),
        (["-w", "app", "a"], "args[2]: '-w app' needs an absolute path in the container"),
        (["-u", "a b", "a"], "args[2]: '-u a b' is not a user"),
        (["-e", "=x", "a"], "args[2]: '-e ' has no name of a variable"),
    ],
)
def test_an_error_names_the_position_the_value_and_the_way_out(read_args: Read, args: list[str], message: str) -> None:
    assert only_error(read_args(*args)).startswith(f"mcp.config.json: mcpServers.x.{message}")


def test_all_errors_are_told_at_once(read_args: Read) -> None:
    fleet = read_args("--privileged", "--cpus=x", "-v", "/:/h", "BAD", timeout=[], disabled="no")
    assert [error.path.removeprefix("mcpServers.x.") for error in fleet.errors] == [
        "disabled",
        "args[1]",
        "args[2]",
        "args[4]",
        "args[5]",
    ]
