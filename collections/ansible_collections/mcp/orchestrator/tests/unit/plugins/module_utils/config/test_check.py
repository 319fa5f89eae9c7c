# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.check import main

GOOD = {"command": "docker", "args": ["run", "--rm", "-i", "-e", "A=${ssm:/canary}", "mcp/time"]}


def write(tmp_path: Path, servers: dict[str, object]) -> str:
    path = tmp_path / "mcp.config.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return str(path)


def test_a_good_config_is_explained_and_asks_nobody_for_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([write(tmp_path, {"time": GOOD})]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "time",
        "  state      runs",
        "  image      mcp/time",
        "  transport  stdio, through the bridge",
        "  path       /mcp/time/mcp, health at /mcp/time/health (200)",
        "  limits     512 MiB of memory, 1 core, 256 processes, read-only root",
        "  env        A",
        "  mounts     tmpfs:/tmp",
        "  sessions   about 6 at once: an estimate, by 64 MiB and 16 processes and threads for each, as a server of a"
        " kind that is not known takes; once it runs, /health says what was measured",
        "  note       args[1]: '--rm' is ignored: the reconciler removes containers",
        "  note       args[2]: '-i' is ignored: the bridge holds the server's standard input",
        "  note       args[5]: 'mcp/time' is what its registry has as 'latest' when it is pulled; a version or a"
        " digest pins it",
        "",
        "servers: 1 to run",
    ]
    assert shown.err == ""


def test_a_wrong_config_ends_in_1_with_every_error_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"command": "docker", "args": ["run", "--privileged", "--cpus=x", "mcp/time"]}
    assert main([write(tmp_path, {"time": GOOD, "bad": bad, "odd": {"command": "abus", "x": 1}})]) == 1
    shown = capsys.readouterr()
    assert [line.split(":")[0] for line in shown.err.splitlines()] == ["warning", "error", "error", "error"]
    assert "servers: 1 to run, 2 wrong" in shown.out
    assert "  error      mcpServers.bad.args[1]: '--privileged' is not allowed" in shown.out


def test_a_file_that_is_no_config_ends_in_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.json")]) == 1
    assert capsys.readouterr().err == "none.json: cannot be read: No such file or directory\n"


def test_disabled_remote_and_built_servers_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    servers = {
        "off": {**GOOD, "disabled": True},
        "far": {"url": "https://mcp.example.com/mcp", "headers": {"Authorization": "x"}},
        "npx": {"command": "npx", "args": ["-y", "@x/y@1", "a"], "orchestrator": {"replicas": 2}},
    }
    assert main([write(tmp_path, servers)]) == 0
    shown = capsys.readouterr().out
    assert "built from the node template and @x/y, 1" in shown
    assert "address    https://mcp.example.com/mcp" in shown
    assert "servers: 1 to run, 1 disabled, 1 remote" in shown


def test_it_runs_as_a_program_without_ansible(tmp_path: Path) -> None:
    collections = next(parent for parent in Path(__file__).parents if parent.name == "ansible_collections").parent
    module = "ansible_collections.mcp.orchestrator.plugins.module_utils.config.check"
    # -S: nothing but the standard library.
    run = subprocess.run(
        [sys.executable, "-S", "-m", module, write(tmp_path, {"time": GOOD})],
        env={**os.environ, "PYTHONPATH": str(collections)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
