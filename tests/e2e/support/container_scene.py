"""A fleet of tiny HTTP servers on a real engine, under a name of its own, driven through the module's own story."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import DockerEngine
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import (
    Firewall,
    FirewallError,
    HostFirewall,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.name_lookup import look_up
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.reconcile import DesiredFleet, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import Ruleset

SOURCE = Path(__file__).parent / "tiny" / "tiny.c"
KEY = b"k" * 32


def tiny_image(api: docker.APIClient, tag: str, note: str = "", mark: str = "") -> str:
    """Compiles the tiny server and imports it; another ``note`` makes another image that does the same.

    ``mark`` is the tag with which it is removed, its own without one. Gives its id.
    """
    with tempfile.TemporaryDirectory() as directory:
        binary = Path(directory) / "tiny"
        subprocess.run(["gcc", "-static", "-Os", "-Wall", "-Wextra", "-Werror", "-o", binary, SOURCE], check=True)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(binary, "tiny")
            entry = tarfile.TarInfo("note")
            entry.size = len(note)
            tar.addfile(entry, io.BytesIO(note.encode()))
    repository, _, version = tag.rpartition(":")
    answer = api.import_image_from_data(
        archive.getvalue(),
        repository=repository,
        tag=version,
        changes=[
            'ENTRYPOINT ["/tiny"]',
            "EXPOSE 8000",
            f"LABEL mcp_test={mark or tag}",
            'HEALTHCHECK --interval=1s CMD ["/tiny", "check"]',
        ],
    )
    identity = str(json.loads(answer.splitlines()[-1])["status"])
    # Podman 4 does not read the tag.
    api.tag(identity, repository, version)
    return str(api.inspect_image(tag)["Id"])


def remove_rules(fleet: str) -> None:
    """Takes a fleet's rules out of this host's packet filter, where it has one."""
    firewall = HostFirewall(local=True)
    with contextlib.suppress(FirewallError):
        firewall.write(fleet, firewall.rules(fleet), Ruleset())


class ContainerScene:
    """One fleet. ``address`` is the engine's, ``publish`` where its containers publish their ports."""

    def __init__(self, address: str | None = None, publish: str | None = None, **policy: Any) -> None:
        publish = publish or os.environ.get("MCP_TEST_PUBLISH", "127.0.0.1")
        self.fleet = f"t{os.getpid()}x{time.monotonic_ns() % 10**9}"
        self.values: dict[str, dict[str, Secret]] = {}
        self.image = f"mcp-test/{self.fleet}:1"
        self.engine = DockerEngine(address, timeout=policy.pop("timeout", 60))
        self.api = docker.APIClient(base_url=self.engine.address, version="auto")
        start = 21000 + os.getpid() % 40 * 100
        ports = {"port_range_start": start, "port_range_end": start + 99}
        self.firewall: Firewall | None = None
        self.names: dict[str, tuple[str, ...]] = {}
        self.policy = Policy(self.fleet, **({"health_timeout": 10, "publish_address": publish} | ports | policy))
        tiny_image(self.api, self.image)

    def spec(self, name: str, env: dict[str, str] | None = None, **more: Any) -> Spec:
        """A tiny http server, told by ``env`` what to do."""
        wanted: dict[str, Any] = {
            "image": self.image,
            "transport": "http",
            "port": 8000,
            "path": f"/mcp/{name}",
            "health_path": "/health",
            "tmpfs": ("/tmp",),
            "memory": 32 * 1024**2,
        }
        if env:
            self.values.setdefault(name, {}).update({key: Secret(value) for key, value in env.items()})
            wanted["env"] = {key: Secret(value).digest(KEY, name, key) for key, value in env.items()}
        return Spec.from_dict({"name": name, **wanted, **more}).with_generation()

    def run(self, specs: Sequence[Spec], **more: Any) -> dict[str, Any]:
        """Converge, or with ``retire=True`` retire; the module's result."""
        desired = DesiredFleet(list(specs), self.policy, Environment(lambda: (self.values, KEY)), **more)
        host = replace(Host.of(self.engine), look_up=self._look_up)
        return reconcile(desired, replace(host, firewall=self.firewall) if self.firewall else host)

    def _look_up(self, hosts: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """As the host does it, but for the names that only this scene knows."""
        return look_up(host for host in hosts if host not in self.names) | self.names

    def run_apart(self, specs: Sequence[Spec]) -> None:
        """Converge in a process of its own, with connections of its own."""
        self.engine = DockerEngine(self.engine.address)
        self.run(specs)

    def containers(self) -> dict[str, dict[str, Any]]:
        """The fleet's containers as inspected, by name."""
        found = {}
        for each in self.api.containers(all=True, filters={"label": f"mcp_fleet={self.fleet}"}):
            # One that a run removed between the two looks is no longer there.
            with contextlib.suppress(docker.errors.NotFound):
                inspected = self.api.inspect_container(each["Id"])
                found[inspected["Name"].lstrip("/")] = inspected
        return found

    def name(self, server: str) -> str:
        return f"{self.fleet}-{server}"

    def get(self, port: int, path: str = "/") -> str:
        """What a server answers; an empty string when it does not."""
        try:
            with urllib.request.urlopen(f"http://{self.policy.reach_address}:{port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.code)
        except OSError:
            return ""

    def clean(self) -> None:
        """Removes everything that bears this fleet's name."""
        label = {"label": f"mcp_fleet={self.fleet}"}
        for each in self.api.containers(all=True, filters=label):
            self.api.remove_container(each["Id"], force=True, v=True)
        for each in self.api.volumes(filters=label)["Volumes"] or ():
            self.api.remove_volume(each["Name"])
        for each in self.api.networks(filters=label):
            self.api.remove_network(each["Id"])
        remove_rules(self.fleet)
        # An image whose tag moved on has no name left, so it is known by its label.
        for each in self.api.images(filters={"label": f"mcp_test={self.image}"}):
            self.api.remove_image(each["Id"], force=True)
