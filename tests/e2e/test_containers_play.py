"""A fleet's containers under Ansible: runs at the same time, the diff, an engine that is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.container_scene import ContainerScene

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scene() -> Iterator[ContainerScene]:
    scene = ContainerScene()
    try:
        yield scene
    finally:
        scene.clean()


PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - mcp.orchestrator.mcp_container:
        servers: "{{ servers }}"
        fleet: "{{ fleet }}"
        port_range_start: "{{ start }}"
        port_range_end: "{{ end }}"
        publish_address: "{{ publish }}"
        retire: "{{ retire | default(false) }}"
"""


WHOLE_RUN = (
    PLAYBOOK
    + """
      register: converged
"""
    + PLAYBOOK.partition("  tasks:\n")[2].replace("{{ retire | default(false) }}", "true")
    + """        run_token: "{{ converged.run_token }}"
"""
)


def start_play(
    scene: ContainerScene,
    directory: Path,
    specs: list[Any],
    *arguments: str,
    environment: dict[str, str] | None = None,
    playbook: str = PLAYBOOK,
) -> subprocess.Popen[str]:
    """Begins a run of the module under Ansible."""
    file = directory / "play.yml"
    file.write_text(playbook)
    variables = {
        "servers": [spec.to_dict() for spec in specs],
        "fleet": scene.fleet,
        "start": scene.policy.port_range_start,
        "end": scene.policy.port_range_end,
        "publish": scene.policy.publish_address,
        "ansible_python_interpreter": sys.executable,
        "ansible_connection": "local",
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE", "PYTHONDONTWRITE"))}
    return subprocess.Popen(
        [
            *(str(Path(sys.executable).parent / "ansible-playbook"), str(file), "-i", "localhost,"),
            *("-e", json.dumps(variables), *arguments),
        ],
        cwd=PROJECT,
        env={**inherited, **(environment or {}), "ANSIBLE_NOCOLOR": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_two_runs_at_once_do_the_work_once_and_break_nothing(scene: ContainerScene, tmp_path: Path) -> None:
    specs = [scene.spec(name) for name in "abcdef"]
    runs = [start_play(scene, tmp_path, specs) for _run in range(2)]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)
    assert sorted("changed=1" in output for output in outputs) == [False, True]
    assert sorted(scene.containers()) == [scene.name(name) for name in "abcdef"]


def test_two_whole_runs_with_different_configs_end_with_a_fleet_that_serves(
    scene: ContainerScene, tmp_path: Path
) -> None:
    fleets = [[scene.spec(name, memory=size * 1024**2) for name in "abc"] for size in (32, 48)]
    runs = []
    for number, desired in enumerate(fleets):
        (tmp_path / str(number)).mkdir()
        runs.append(start_play(scene, tmp_path / str(number), desired, playbook=WHOLE_RUN))
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)
    generations = {each["Config"]["Labels"]["mcp_generation"] for each in scene.containers().values()}
    assert generations <= {spec.generation for desired in fleets for spec in desired}
    for desired in (fleets[0], fleets[0]):
        result = scene.run(desired)
        scene.run(desired, retire=True)
    assert (result["actions"], result["errors"]) == ([], [])
    assert [scene.get(each["port"]) for each in result["endpoints"]] == ["tiny"] * 3
    assert sorted(scene.containers()) == [scene.name(name) for name in "abc"]


def test_the_diff_under_ansible_is_for_people(scene: ContainerScene, tmp_path: Path) -> None:
    run = start_play(scene, tmp_path, [scene.spec("a")], "--check", "--diff")
    output = run.communicate(timeout=300)[0]
    assert run.returncode == 0, output
    assert "+  # create — it has no container" in output
    assert scene.containers() == {}


def test_an_engine_that_is_not_there_is_one_sentence(scene: ContainerScene, tmp_path: Path) -> None:
    run = start_play(scene, tmp_path, [], environment={"DOCKER_HOST": "unix:///nowhere.sock"})
    output = run.communicate(timeout=300)[0]
    assert run.returncode != 0
    assert "no Docker engine answers at unix:///nowhere.sock: No such file or directory" in output
    assert "Traceback" not in output
