"""Arguments of the server that nobody may read: they come as variables, and only the child's command line has them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.unit.bridge.client import HOSTILE, ROOT, Bridge, Client

Start = Callable[..., Bridge]
SECRET = "hunter2 with \"blanks\" and 'quotes'"


def command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().removesuffix("\0").split("\0")


def given(*arguments: str) -> dict[str, str]:
    return {**os.environ, **{f"MCP_SECRET_ARG_{number}": word for number, word in enumerate(arguments, 1)}}


def test_secret_arguments_stand_behind_the_command_and_in_no_variable_of_the_child(start_bridge: Start) -> None:
    bridge = start_bridge("--secret-args", "3", env=given("--token", SECRET, ""))
    client = Client(bridge)
    client.open()
    lines = [command_line(pid) for pid in bridge.descendants()]
    assert [*HOSTILE, "--token", SECRET, ""] in lines
    assert not [name for name in client.call("environment") if name.startswith("MCP_SECRET_ARG_")]
    assert SECRET not in " ".join(command_line(bridge.process.pid))
    assert bridge.stop() == 0
    assert SECRET not in "\n".join(bridge.log)


def test_a_whole_command_can_be_secret_and_is_not_named_when_it_cannot_start(start_bridge: Start) -> None:
    bridge = start_bridge("--secret-args", "2", command=[], env=given(*HOSTILE))
    Client(bridge).open()
    assert bridge.stop() == 0
    wrong = start_bridge("--secret-args", "1", command=[], env=given(f"/missing/{SECRET}"))
    answer = Client(wrong).post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}})
    assert answer.status >= 400
    assert wrong.stop() == 0
    assert "the server's program cannot be started" in "\n".join(wrong.log)
    assert SECRET not in "\n".join(wrong.log)


def test_a_reference_in_a_secret_argument_is_text(start_bridge: Start) -> None:
    bridge = start_bridge("--secret-args", "1", env=given("$HOME ${header:X-Token} %d"))
    Client(bridge).open()
    assert any(line[-1:] == ["$HOME ${header:X-Token} %d"] for line in map(command_line, bridge.descendants()))


def test_a_bridge_without_one_of_its_arguments_does_not_start() -> None:
    command = [sys.executable, "-m", "bridge", "--secret-args", "2", "--", *HOSTILE]
    environment = {**given("one"), "PYTHONPATH": str(ROOT / "files")}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert run.returncode == 2
    assert "MCP_SECRET_ARG_2" in run.stderr
