"""A fleet in the tests' cluster with a watcher of its own, which reaches it by the account that the bootstrap makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import access_module
from records.happenings import happenings
from records.logs import Logs
from records.query import Query

from tests.e2e.support.waiting import until
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import PATIENCE, PROJECT, Cluster
from tests.kubernetes.workload_scene import WorkloadScene


class Watched:
    """A scene and what the watcher makes of it. ``folder`` holds its records."""

    def __init__(self, scene: WorkloadScene) -> None:
        self.scene, self.folder = scene, scene.folder
        self.kubeconfig = self.folder / "watcher" / "kubeconfig"
        self.log = self.folder / "watcher.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._said: dict[str, list[str]] = {}

    def run(self) -> None:
        """Does a run by hand, and waits for its end."""
        (self.folder / "arguments.json").write_text(json.dumps(self.scene.arguments()))
        subprocess.run(self._run_command(), cwd=PROJECT, check=True)

    def start(self) -> None:
        """Starts the watcher; each run that it starts is one of mcp_workload."""
        words = [sys.executable, "-m", "watcher", "--fleet", "mcp", "--socket", str(self.folder / "nowhere.sock")]
        words += ["--directory", str(self.folder), "--run-lock", str(self.folder / "run.lock")]
        words += ["--state", str(self.folder / "state.json"), "--kubeconfig", str(self.kubeconfig)]
        (self.folder / "supervisor").mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*words, "--log-level", "DEBUG", "--", "/usr/bin/env", "-C", str(PROJECT), *self._run_command()],
                cwd=PROJECT / "files",
                env={**os.environ, "PYTHONPATH": str(PROJECT)},
                stdout=log,
                stderr=log,
            )

    def stop(self, *, kill: bool = False) -> None:
        """Ends the watcher."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(PATIENCE)
            self._process = None

    @property
    def memory(self) -> dict[str, int]:
        """What the watcher holds, in KiB, by the kernel's names."""
        assert self._process is not None
        lines = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines()[1:]
        return {line.split(":")[0]: int(line.split()[1]) for line in lines}

    @property
    def processor_seconds(self) -> float:
        """What it has used."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def runs(self) -> list[str]:
        """Returns why runs were done, in their order."""
        path = self.folder / "runs"
        return path.read_text().splitlines() if path.exists() else []

    def pods(self, server: str) -> list[Object]:
        """Returns the pods of a server that stay."""
        asked = {"labelSelector": f"mcp_service={server}"}
        found = self.scene.cluster.api.list("Pod", self.scene.namespace, **asked)
        return [each for each in found if not each["metadata"].get("deletionTimestamp")]

    def pod(self, server: str) -> str:
        """Returns the name of the only pod of a server."""
        (pod,) = self.pods(server)
        return str(pod["metadata"]["name"])

    def annotate(self, pod: str, **annotations: str) -> None:
        """Tells the pod's kubelet what becomes of it (``tests.kubernetes.nodes``)."""
        body = {"metadata": {"annotations": annotations}}
        self.scene.cluster.api.patch("Pod", pod, body, self.scene.namespace)

    def say(self, pod: str, *texts: str) -> None:
        """Has a pod's container write lines. The same lines once more are no news."""
        self.annotate(pod, says=json.dumps(texts))

    def texts(self, server: str) -> list[str]:
        """Returns the lines that are kept of a server, the oldest first, without the recorder's own."""
        return [line.text for line in Logs(self.folder / "logs").oldest_first(server, Query()) if line.stream != "rec"]

    def remarks(self, server: str) -> list[str]:
        """Returns the recorder's own lines."""
        return [line.text for line in Logs(self.folder / "logs").oldest_first(server, Query()) if line.stream == "rec"]

    def happened(self, server: str) -> list[tuple[str, str]]:
        """Returns event and text of what the watcher saw happen to a server, the oldest first."""
        return [(each.event, each.text) for each in reversed(happenings(self.folder, server, 100))]

    def until_text(self, server: str, text: str) -> None:
        """Waits until a line is kept."""
        until(lambda: text in self.texts(server), f"{text!r} is kept of {server}", PATIENCE)

    def recorded(self, name: str) -> Any:
        """Returns a file of the samples, None where there is none."""
        path = self.folder / "samples" / name
        return json.loads(path.read_text()) if path.exists() else None

    def _run_command(self) -> list[str]:
        return [sys.executable, "-m", "tests.kubernetes.watched_run", str(self.folder)]


def give_access(cluster: Cluster, settings: Path, folder: Path) -> None:
    """Does what an administrator does once; the kubeconfigs are where a site has them, in a folder."""
    done = result_of(
        access_module.run,
        {
            "settings": str(settings),
            "kubeconfig": str(cluster.kubeconfig),
            "context": None,
            "path": str(folder / "kubeconfig"),
            "watcher_path": str(folder / "watcher" / "kubeconfig"),
            "quota": {},
            "state": "present",
        },
        False,
    )
    assert not done.get("failed"), done["msg"]


@contextmanager
def watched(scene: WorkloadScene) -> Iterator[Watched]:
    """A fleet with a watcher, which the test starts."""
    made = Watched(scene)
    give_access(scene.cluster, scene.settings_file, scene.folder)
    try:
        yield made
    finally:
        made.stop(kill=True)
