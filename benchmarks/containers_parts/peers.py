"""How others bring up the same containers: docker compose, and ``community.docker.docker_container`` in a loop."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.support.container_scene import ContainerScene

FOLDER = Path(os.environ.get("PEERS", str(Path.home() / ".cache" / "mcp-orchestrator" / "peers")))
COMPOSE = FOLDER / "docker-compose"
ANSIBLE = FOLDER / "ansible" / "bin" / "ansible-playbook"
FIRST_PORT = 31500
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - community.docker.docker_container:
        name: "{{ prefix }}-{{ item }}"
        image: "{{ image }}"
        memory: 32m
        cap_drop: [ALL]
        read_only: true
        restart_policy: unless-stopped
        labels: {mcp_fleet: "{{ prefix }}", peer: "yes"}
        published_ports: ["127.0.0.1:{{ start + item }}:8000"]
      loop: "{{ range(count) | list }}"
"""


class Compose:
    """One project of tiny services, under the scene's name so that its end is the scene's."""

    def __init__(self, scene: ContainerScene) -> None:
        self._scene = scene
        self._folder = Path(tempfile.mkdtemp(prefix="mcp-compose-"))

    def up(self, count: int, images: Sequence[str] = ()) -> float:
        """Seconds until ``up`` says that the project is as its file; ``images`` replace those of the first services."""
        services = {f"s{number}": self._service(number, self._scene.image) for number in range(count)}
        for number, image in enumerate(images):
            services[f"s{number}"]["image"] = image
        network = {"default": {"labels": {"mcp_fleet": self._scene.fleet}}}
        (self._folder / "compose.json").write_text(json.dumps({"services": services, "networks": network}))
        begin = time.perf_counter()
        self._run("up", "--detach", "--quiet-pull")
        return time.perf_counter() - begin

    def down(self) -> None:
        """Takes the project away."""
        self._run("down", "--timeout", "1")

    def _service(self, number: int, image: str) -> dict[str, object]:
        return {
            "image": image,
            "mem_limit": "32m",
            "cap_drop": ["ALL"],
            "read_only": True,
            "init": True,
            "restart": "unless-stopped",
            "labels": {"mcp_fleet": self._scene.fleet},
            "ports": [f"127.0.0.1:{FIRST_PORT + number}:8000"],
        }

    def _run(self, *words: str) -> None:
        command = [str(COMPOSE), "--project-name", self._scene.fleet, "--file", str(self._folder / "compose.json")]
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"docker compose {words[0]}: {done.stderr.strip()[-500:]}")


def loop(scene: ContainerScene, count: int) -> float:
    """Seconds of one run of the loop over ``count`` containers. Raises CalledProcessError."""
    variables = {
        "prefix": scene.fleet,
        "image": scene.image,
        "start": FIRST_PORT,
        "count": count,
        "ansible_python_interpreter": str(ANSIBLE.parent / "python"),
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE", "PYTHONDONTWRITE"))}
    with tempfile.TemporaryDirectory() as directory:
        playbook = Path(directory) / "peer.yml"
        playbook.write_text(PLAYBOOK)
        command = [str(ANSIBLE), str(playbook), "-i", "localhost,", "-c", "local", "-e", json.dumps(variables)]
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=directory, env=inherited)
        return time.perf_counter() - begin
