"""All hosts of an inventory get the same key of session ids, and keep it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TASKS = ROOT / "roles/config/tasks/session_key.yml"


# Notes in every interpreter the modes that a file with a key gets.
WATCH = """
import os, sys

def watch(event, arguments):
    if event == "os.chmod" and str(arguments[0]).endswith(("session.key", "session.key'")):
        with open(os.environ["WATCHED"], "a") as modes:
            modes.write(f"{arguments[1] & 0o777:o}\\n")

sys.addaudithook(watch)
"""


class Hosts:
    """Three hosts, which are folders here."""

    def __init__(self, root: Path) -> None:
        self.keys = [root / name / "session.key" for name in ("a", "b", "c")]
        for key in self.keys:
            key.parent.mkdir()
        hosts = {key.parent.name: {"mcp_session_key_file": str(key)} for key in self.keys}
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        (root / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": here}}))
        tasks = [{"ansible.builtin.import_tasks": str(TASKS)}]
        (root / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        self.root = root
        self.modes = root / "modes"
        (root / "sitecustomize.py").write_text(WATCH)

    def play(self, *options: str) -> str:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory.json", "play.yml"]
        done = subprocess.run(
            [*command, "-vvv", "--diff", *options],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "WATCHED": str(self.modes)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


def test_a_key_is_made_once_for_all_hosts_and_shown_nowhere(hosts: Hosts) -> None:
    said = hosts.play()
    first, *others = [key.read_text() for key in hosts.keys]
    assert [first, first] == others
    assert len(bytes.fromhex(first)) == 32
    assert {key.stat().st_mode & 0o777 for key in hosts.keys} == {0o600}
    assert set(hosts.modes.read_text().split()) == {"600"}  # at no moment another
    assert "changed=0" in hosts.play("--limit", "b")
    assert first.strip() not in said


def test_hosts_that_have_none_or_another_take_that_of_the_first_that_has_one(hosts: Hosts) -> None:
    rotated = "1f" * 32 + "\n" + "2e" * 32 + "\n"
    hosts.keys[1].write_text(rotated)
    hosts.keys[2].write_text("3d" * 32)
    hosts.play()
    assert [key.read_text() for key in hosts.keys] == [rotated] * 3
