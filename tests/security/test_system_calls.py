"""The profile of system calls on a real engine: what it refuses, and that our own sample servers run under it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.seccomp import Profile

from tests.e2e.support.container_scene import ContainerScene

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "files" / "seccomp" / "mcp-server.json"
PYTHON = "mcp-base/python:3.11"
# A program that asks and tells how it was answered: errno by name of the call, of amd64 and arm64.
PROBE = """
import ctypes, json, os, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
calls = {"io_uring_setup": (425, 425), "keyctl": (250, 219), "unshare": (272, 97), "bpf": (321, 280),
         "process_vm_readv": (310, 270), "name_to_handle_at": (303, 264), "userfaultfd": (323, 282)}
said = {}
for name, numbers in calls.items():
    said[name] = ctypes.get_errno() if libc.syscall(numbers[0 if x86 else 1], 0x10000000, 0, 0, 0, 0) < 0 else 0
for family, kind in (("ALG", socket.SOCK_SEQPACKET), ("VSOCK", socket.SOCK_STREAM), ("PACKET", socket.SOCK_RAW),
                     ("UNIX", socket.SOCK_STREAM), ("INET", socket.SOCK_STREAM), ("INET6", socket.SOCK_STREAM)):
    try:
        socket.socket(getattr(socket, "AF_" + family), kind).close()
        said[family] = 0
    except OSError as error:
        said[family] = error.errno
said["interfaces"] = len(socket.if_nameindex())
said["child"] = os.waitstatus_to_exitcode(os.waitpid(os.fork() or os._exit(7), 0)[1])
print(json.dumps(said))
"""


WALLS = (
    "--network",
    "none",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--read-only",
    "--tmpfs",
    "/tmp",
)
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def run(*words: str, said: str = "") -> str:
    """What a container under the profile writes, to which ``said`` is told on its standard input."""
    command = ["docker", "run", "--rm", "-i", *WALLS, "--security-opt", f"seccomp={FILE}", *words]
    done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("image", ["mcp-sample/everything:1", "mcp-sample/time:1"], ids=["node", "python"])
def test_servers_of_both_languages_answer_under_the_profile(image: str) -> None:
    answers = [json.loads(line) for line in run(image, said=json.dumps(INITIALIZE) + "\n").splitlines() if line]
    (answer,) = [each for each in answers if each.get("id") == 1]
    assert answer["result"]["serverInfo"]["name"]


def test_what_no_server_needs_is_answered_with_no_permission() -> None:
    said: dict[str, Any] = json.loads(run(PYTHON, "python3", "-c", PROBE))
    refused = {name for name, number in said.items() if number == 1 and name not in ("interfaces", "child")}
    assert refused == {
        *("io_uring_setup", "keyctl", "unshare", "bpf", "process_vm_readv", "name_to_handle_at", "userfaultfd"),
        *("ALG", "VSOCK", "PACKET"),
    }
    assert (said["UNIX"], said["INET"], said["child"]) == (0, 0, 7)
    assert said["interfaces"] >= 1


@pytest.fixture
def scene() -> Iterator[ContainerScene]:
    scene = ContainerScene(seccomp=Profile.of(str(FILE), FILE.read_text()))
    try:
        yield scene
    finally:
        scene.clean()


def test_a_container_of_the_fleet_runs_under_the_profile_and_a_second_run_changes_nothing(
    scene: ContainerScene,
) -> None:
    specs = [scene.spec("a")]
    result = scene.run(specs)
    assert result["errors"] == []
    assert scene.get(result["endpoints"][0]["port"]) == "tiny"
    (container,) = scene.containers().values()
    assert any(each.startswith("seccomp=") for each in container["HostConfig"]["SecurityOpt"])
    status = Path(f"/proc/{container['State']['Pid']}/status").read_text()
    assert "Seccomp:\t2" in status
    assert scene.run(specs)["changed"] is False
