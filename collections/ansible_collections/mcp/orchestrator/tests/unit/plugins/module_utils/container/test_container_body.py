# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a container is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import (
    UnsupportedSpec,
    compose,
    exceptions,
    host_header,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import LONGEST_PATIENCE
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image, World
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import POLICY, spec
from hypothesis import given
from hypothesis import strategies as st

IMAGE = Image("sha256:1", entrypoint=("python", "-m"), command=("server",))


def made_from(image: Image) -> World:
    return World(images={"one": image})


def stdio(**more: Any) -> dict[str, Any]:
    return compose(spec("time", transport="stdio", **more), IMAGE, POLICY, 20001)


def child(body: dict[str, Any]) -> list[str]:
    words: list[str] = body["Entrypoint"]
    return words[words.index("--") + 1 :]


def test_a_container_is_hard_by_default() -> None:
    host = compose(spec("a", port=8000, tmpfs=("/tmp",)), IMAGE, POLICY, 20001)["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Privileged"] is False
    assert host["ReadonlyRootfs"] is True
    assert host["Tmpfs"] == {"/tmp": f"mode=1777,nosuid,nodev,noexec,size={256 * 1024**2}"}
    assert host["Ulimits"] == [{"Name": "core", "Soft": 0, "Hard": 0}]
    assert host["IpcMode"] == host["CgroupnsMode"] == "private"
    assert host["Init"] is True
    assert host["Memory"] == host["MemorySwap"] == 512 * 1024**2
    assert host["NanoCpus"] == 1_000_000_000
    assert host["PidsLimit"] == 256
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["NetworkMode"] == "f-net"


@pytest.mark.parametrize(
    ("said", "exposed", "host"),
    [
        ({"port": 8931}, (), "localhost:8931"),
        ({}, (9000,), "localhost:9000"),
        ({}, (9000, 9001), None),
        ({"port": 8931, "host_header": "mcp.example.com"}, (), "mcp.example.com"),
        ({"port": 8931, "host_header": "preserve"}, (), None),
        ({"transport": "stdio"}, (9000,), None),
    ],
)
def test_an_http_server_gets_the_host_that_guards_accept_unless_its_entry_says_another(
    said: dict[str, Any], exposed: tuple[int, ...], host: str | None
) -> None:
    assert host_header(spec("a", **said), replace(IMAGE, exposed=exposed)) == host


def test_another_host_header_makes_no_new_container() -> None:
    assert spec("a", host_header="x").generation == spec("a").generation


def test_a_port_is_published_on_the_one_address_only() -> None:
    body = compose(spec("a", port=9000), IMAGE, Policy(publish_address="10.0.0.7"), 20001)
    assert body["HostConfig"]["PortBindings"] == {"9000/tcp": [{"HostIp": "10.0.0.7", "HostPort": "20001"}]}


def test_secret_arguments_are_on_no_command_line_and_take_the_place_of_the_images_command() -> None:
    body = stdio(command=(), env={"MCP_SECRET_ARG_1": "0123"}, bridge={"secret_args": 1})
    assert child(body) == ["python", "-m"]
    assert body["Entrypoint"][body["Entrypoint"].index("--secret-args") + 1] == "1"
    alone = compose(
        spec("time", transport="stdio", command=(), bridge={"secret_args": 2}), Image("sha256:1"), POLICY, 20001
    )
    assert child(alone) == []


def test_a_stdio_server_runs_behind_the_bridge_with_its_own_process_as_child() -> None:
    body = stdio()
    assert body["Entrypoint"][:2] == ["/.mcp/ld.so", "--library-path"]
    assert body["Entrypoint"][-8:] == ["--port", "8000", "--path", "/mcp/time", "--", "python", "-m", "server"]
    assert body["Cmd"] == []
    assert "/opt/bridge/abc123:/.mcp:ro" in body["HostConfig"]["Binds"]
    assert body["Labels"]["mcp_bridge"] == "abc123"


def test_the_bridge_asks_itself_whether_it_is_well() -> None:
    check = stdio()["Healthcheck"]
    assert check["Test"][0] == "CMD"
    assert check["Test"][-5:-1] == ["-p", "/.mcp/healthcheck.sh", "8000", "/mcp/time"]


def test_the_engine_tells_of_a_failing_server_within_a_minute() -> None:
    check = stdio()["Healthcheck"]
    own_limit = 8 * 10**9  # of healthcheck.sh, for each look
    assert (check["Interval"] + own_limit) * check["Retries"] <= 60 * 10**9


def test_the_engine_calls_no_server_unhealthy_that_has_not_had_the_time_to_start() -> None:
    assert stdio()["Healthcheck"]["StartPeriod"] >= LONGEST_PATIENCE * 10**9


def test_a_health_check_that_stays_ends_before_the_engine_takes_it_for_hung() -> None:
    check = stdio()["Healthcheck"]
    assert int(check["Test"][-1]) * 10**9 < check["Timeout"]


def test_podman_s_health_check_does_not_stay() -> None:
    check = compose(spec("time", transport="stdio"), IMAGE, replace(POLICY, podman=True), 20001)["Healthcheck"]
    assert check["Test"][-1] == "/mcp/time"
    assert check["Timeout"] == 10 * 10**9


@pytest.mark.parametrize(
    ("more", "process"),
    [
        ({"command": ("other",)}, ["python", "-m", "other"]),
        ({"entrypoint": ("node",)}, ["node"]),
        ({"entrypoint": ("node",), "command": ("x.js",)}, ["node", "x.js"]),
    ],
)
def test_entrypoint_and_command_replace_the_image_s_as_docker_run_does(
    more: dict[str, Any], process: list[str]
) -> None:
    assert child(stdio(**more)) == process


def test_an_image_without_a_process_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnsupportedSpec, match="neither an entrypoint nor a command; write"):
        compose(spec("a", transport="stdio"), Image("sha256:1"), POLICY, 20001)


def test_a_stdio_server_without_a_bridge_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnsupportedSpec, match=r"none is installed on this host; run setup.sh again"):
        compose(spec("a", transport="stdio"), IMAGE, Policy(), 20001)


def test_an_http_server_without_a_port_listens_where_its_image_says() -> None:
    body = compose(spec("a"), Image("sha256:1", exposed=(3000,)), POLICY, 20001)
    assert list(body["ExposedPorts"]) == ["3000/tcp"]


@pytest.mark.parametrize("exposed", [(), (80, 443)])
def test_an_http_server_whose_port_nothing_tells_is_refused(exposed: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedSpec, match="the port on which the server listens is not known"):
        compose(spec("a"), Image("sha256:1", exposed=exposed), POLICY, 20001)


def test_a_list_of_hosts_is_refused_beside_a_right_to_forge_addresses() -> None:
    forging = spec("a", port=1, network=("api.test",), host_config={"CapAdd": ["NET_RAW"]})
    with pytest.raises(
        UnsupportedSpec, match="with NET_RAW its container could leave its network or pretend to be another one"
    ):
        compose(forging, IMAGE, POLICY, 20001)


def test_a_confined_server_is_no_exception_and_a_network_of_the_engine_is_one() -> None:
    assert [exceptions(spec("a", network=network)) for network in ("none", "fleet", ("api.test",))] == [[], [], []]
    assert exceptions(spec("a", network="backend")) == ["network backend"]


def test_our_labels_win_over_the_user_s() -> None:
    body = compose(spec("a", port=1, labels={"mcp_fleet": "theirs", "team": "x"}), IMAGE, POLICY, 20001)
    assert body["Labels"]["mcp_fleet"] == "f"
    assert body["Labels"]["team"] == "x"


def test_what_the_user_adds_to_security_does_not_take_ours_away() -> None:
    body = compose(spec("a", port=1, host_config={"SecurityOpt": ["label:disable"]}), IMAGE, POLICY, 20001)
    assert body["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true", "label:disable"]


def test_what_goes_beyond_the_defaults_is_listed() -> None:
    wide = spec("a", read_only=False, volumes=("data:/y",), user="root", host_config={"CapAdd": ["NET_ADMIN"]})
    assert exceptions(wide) == ["volume data:/y", "writable root", "runs as root", "CapAdd NET_ADMIN"]
    assert exceptions(spec("a")) == []


def test_folders_in_memory_that_name_no_size_share_half_of_the_server_s_memory() -> None:
    wide = spec("a", port=1, memory=64 * 1024**2, tmpfs=("/run:exec", "/big:size=1g", "/odd:nr_blocks=9", "/tmp"))
    share = 16 * 1024**2
    assert compose(wide, IMAGE, POLICY, 20001)["HostConfig"]["Tmpfs"] == {
        "/run": f"exec,size={share}",
        "/big": "size=1g",
        "/odd": "nr_blocks=9",
        "/tmp": f"mode=1777,nosuid,nodev,noexec,size={share}",
    }


def test_a_limit_of_the_entry_takes_the_place_of_ours_alone() -> None:
    own = {"Name": "nofile", "Soft": 1, "Hard": 2}
    host = compose(spec("a", port=1, host_config={"Ulimits": [own]}), IMAGE, POLICY, 20001)["HostConfig"]
    assert host["Ulimits"] == [{"Name": "core", "Soft": 0, "Hard": 0}, own]
    files = {"Name": "core", "Soft": 5, "Hard": 5}
    host = compose(spec("a", port=1, host_config={"Ulimits": [files]}), IMAGE, POLICY, 20001)["HostConfig"]
    assert host["Ulimits"] == [files]


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:root", "00", "000:1000"])
def test_an_image_that_runs_as_root_is_an_exception_unless_the_entry_names_another_user(user: str) -> None:
    image = Image("sha256:1", user=user)
    assert exceptions(spec("a"), made_from(image)) == ["runs as root, as its image says"]
    assert exceptions(spec("a", user="node"), made_from(image)) == []
    if user:
        assert exceptions(spec("a", user=user), made_from(Image("sha256:1", user="node"))) == ["runs as root"]


@pytest.mark.parametrize("user", ["node", "1000", "1000:0", "app:root", "0x0", "root2"])
def test_an_image_that_runs_as_somebody_is_no_exception(user: str) -> None:
    assert exceptions(spec("a"), made_from(Image("sha256:1", user=user))) == []


def test_a_server_without_the_host_s_confinement_is_an_exception() -> None:
    loose = spec("a", host_config={"SecurityOpt": ["apparmor=unconfined", "seccomp=unconfined"]})
    assert exceptions(loose) == ["SecurityOpt apparmor=unconfined seccomp=unconfined"]


@given(
    st.lists(st.sampled_from(["/tmp", "/run:exec", "/a:size=1m", "/b:mode=755"]), unique=True),
    st.integers(6 * 1024**2, 2**40),
)
def test_no_folder_in_memory_is_without_a_size(tmpfs: list[str], memory: int) -> None:
    folders = compose(spec("a", port=1, tmpfs=tuple(tmpfs), memory=memory), IMAGE, POLICY, 20001)["HostConfig"]["Tmpfs"]
    assert all("size=" in options for options in folders.values())
    unsized = [options for options in folders.values() if not options.startswith("size=1m")]
    assert sum(int(options.rpartition("size=")[2]) for options in unsized) <= memory // 2


def test_the_bridge_is_told_how_much_to_log_where_that_is_not_its_own_way() -> None:
    body = compose(spec("time", transport="stdio"), IMAGE, replace(POLICY, log_level="debug"), 20001)
    words = body["Entrypoint"][: body["Entrypoint"].index("--")]
    assert words[-2:] == ["--log-level", "debug"]
    assert body["Labels"]["mcp_log_level"] == "debug"
    assert "--log-level" not in stdio()["Entrypoint"]
    assert "mcp_log_level" not in stdio()["Labels"]


def test_the_bridge_is_told_which_pages_may_speak_to_its_server() -> None:
    policy = replace(POLICY, allowed_origins=("https://a.example", "https://b.example"))
    body = compose(spec("time", transport="stdio"), IMAGE, policy, 20001)
    words = body["Entrypoint"][: body["Entrypoint"].index("--")]
    assert words[-4:] == ["--allow-origin", "https://a.example", "--allow-origin", "https://b.example"]
    assert body["Labels"]["mcp_origins"] == "https://a.example https://b.example"
    assert "mcp_origins" not in stdio()["Labels"]
    assert "mcp_origins" not in compose(spec("a", port=8000), IMAGE, policy, 20001)["Labels"]
