"""A Docker engine of a test's own: own network namespace, own socket, own data; to be stopped, frozen and starved."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import docker

from tests.e2e.support.waiting import until


class OwnEngine:
    """``size`` bounds its disk, in MiB. It is reached at ``address``; what it publishes, at ``publish``.

    ``programs`` is a root folder of another engine's packages, ``listen`` what else it listens on, in dockerd's words.
    """

    def __init__(self, size: int | None = None, programs: Path | None = None, listen: Sequence[str] = ()) -> None:
        self.listen = listen
        self.environment = dict(os.environ)
        if programs is not None:
            self.environment["PATH"] = f"{programs}/usr/sbin:{programs}/usr/bin:{self.environment['PATH']}"
        number = os.getpid() % 200 + 20
        self.root = Path(tempfile.mkdtemp(prefix="mcp-engine-", dir="/run"))
        self.namespace = f"mcp-engine-{os.getpid()}"
        self.link = f"mcpe{os.getpid()}"[:15]
        self.host = f"10.213.{number}.1"
        self.publish = f"10.213.{number}.2"
        self.address = f"unix://{self.root}/docker.sock"
        self.process: subprocess.Popen[bytes] | None = None
        (self.root / "data").mkdir()
        if size is not None:
            self._do("mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(self.root / "data"))
        self._do("ip", "netns", "add", self.namespace)
        self._do("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        self._do("ip", "addr", "add", f"{self.host}/30", "dev", self.link)
        self._do("ip", "link", "set", self.link, "up")
        for words in (
            ("addr", "add", f"{self.publish}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", self.host),
        ):
            self._do("ip", "-n", self.namespace, *words)

    def start(self) -> None:
        """Starts the engine and waits until it answers."""
        # What a killed engine left keeps the next one from starting.
        for left in ("docker.pid", "exec/containerd/containerd.pid"):
            (self.root / left).unlink(missing_ok=True)
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *("nsenter", f"--net=/run/netns/{self.namespace}", "dockerd"),
                    *("--data-root", str(self.root / "data"), "--exec-root", str(self.root / "exec")),
                    *("--pidfile", str(self.root / "docker.pid"), "-H", self.address),
                    *("--cgroup-parent", f"/{self.namespace}"),
                    *self.listen,
                ],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._answers, f"the engine answers; {self.root}/log", 60)

    def tell(self, number: signal.Signals) -> None:
        """Sends the engine a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ends the engine by a signal and waits until it is gone."""
        assert self.process is not None
        self.tell(number)
        self.process.wait(60)

    def discard(self) -> None:
        """Ends it in good order, with its containers, and removes what it had."""
        try:
            if self.process is not None:
                self.tell(signal.SIGCONT)
                if self.process.poll() is not None:
                    self.start()
                self.stop()
        finally:
            self._remove()

    def _remove(self) -> None:
        subprocess.run(["ip", "link", "del", self.link], check=False)
        subprocess.run(["ip", "netns", "del", self.namespace], check=False)
        for mount in reversed(Path("/proc/mounts").read_text().splitlines()):
            place = mount.split()[1]
            if place.startswith(f"{self.root}/"):
                subprocess.run(["umount", place], check=False)
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.root)], check=False)
        for group in (*Path("/sys/fs/cgroup").glob(f"*/{self.namespace}"), Path("/sys/fs/cgroup", self.namespace)):
            for directory in sorted((each for each in (group, *group.rglob("*")) if each.is_dir()), reverse=True):
                directory.rmdir()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.root / "log").read_text()[-2000:]
        try:
            return bool(docker.APIClient(base_url=self.address, version="auto", timeout=5).ping())
        except (docker.errors.DockerException, OSError):
            time.sleep(0.05)
            return False

    @staticmethod
    def _do(*words: str) -> None:
        subprocess.run(words, check=True)
