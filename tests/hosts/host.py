#!/usr/bin/env python3
"""A Debian 12 machine with systemd and its own Docker engine, as a container of this machine's engine.

    with Host("mcp-test-routes") as host:
        host.run("systemctl", "is-active", "docker")

On the command line: host.py up NAME, host.py load NAME IMAGE..., host.py down NAME. `up` prints, as JSON, where the
host's sshd answers. Everything a host consists of carries the label mcp_test=host, and `down` removes all of it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.e2e.support.waiting import until  # noqa: E402

IMAGE = "mcp-test/host:12"
LABEL = "mcp_test=host"
BOOT_SECONDS = 60.0
# Not --privileged: where root itself lacks CAP_SYS_RESOURCE, the engine cannot grant it. The image's boot script makes
# writable what this leaves read-only.
RIGHTS = (
    "--cap-add=ALL",
    "--cap-drop=SYS_RESOURCE",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--cgroupns=private",
    "--tmpfs=/run",
    "--tmpfs=/run/lock",
    "--tmpfs=/tmp:exec",
)


class HostError(Exception):
    """A host could not be made or did not do what it was told; the text says what it was."""


def output(argv: Sequence[str], timeout: float = 60.0) -> str:
    """Return what ARGV prints; raises HostError when it fails or takes longer than TIMEOUT seconds."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as late:
        raise HostError(f"{' '.join(argv)}: no end after {timeout:.0f} s") from late
    if done.returncode:
        raise HostError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip() or done.returncode}")
    return done.stdout.strip()


class Host:
    """One host, named NAME as a container and as a machine; a context manager that removes it at its end.

    Without SYSTEMD nothing on it starts by itself, neither engine nor sshd.
    """

    user = "admin"

    def __init__(self, name: str, *, systemd: bool = True) -> None:
        self.name = name
        self.systemd = systemd

    def __enter__(self) -> Host:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @property
    def key(self) -> Path:
        """The private key that opens every test host; made on first use, outside the project."""
        return Path.home() / ".cache" / "mcp-orchestrator" / "test_host_key"

    @property
    def address(self) -> str:
        """The host's IPv4 address on the engine's default bridge."""
        return output(["docker", "inspect", "-f", "{{.NetworkSettings.IPAddress}}", self.name])

    def up(self) -> None:
        """Boot the host and return when all that it starts by itself is ready; raises HostError."""
        # Both progress and Docker's own warnings belong on stderr: stdout is the command line's answer.
        subprocess.run([str(HERE / "build.sh")], stdout=sys.stderr, check=True)
        init = [IMAGE] if self.systemd else ["--init", IMAGE, "/usr/local/sbin/boot", "sleep", "infinity"]
        output(["docker", "run", "-d", "--name", self.name, "--hostname", self.name, "--label", LABEL, *RIGHTS, *init])
        try:
            if self.systemd:
                until(self._booted, f"{self.name}: systemd is up", BOOT_SECONDS)
                until(lambda: self._says("docker", "version"), f"{self.name}: its engine answers", BOOT_SECONDS)
                self._authorize()
                until(
                    lambda: self._says("systemctl", "is-active", "ssh"), f"{self.name}: its sshd answers", BOOT_SECONDS
                )
            else:
                until(lambda: self._says("pgrep", "-x", "sleep"), f"{self.name}: its boot script is done", BOOT_SECONDS)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Remove the host, its volume and all that ran in it."""
        output(["docker", "rm", "--force", "--volumes", self.name])

    def run(self, *argv: str, timeout: float = 60.0) -> str:
        """Return what ARGV prints on the host, as root; raises HostError when it fails or takes longer than TIMEOUT."""
        return output(["docker", "exec", self.name, *argv], timeout)

    def load(self, images: Sequence[str]) -> None:
        """Copy IMAGES from this machine's engine to the host's own; raises HostError."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saved:
            argv = ["docker", "exec", "-i", self.name, "docker", "load", "--quiet"]
            loaded = subprocess.run(argv, stdin=saved.stdout, stdout=sys.stderr, check=False)
        if saved.returncode or loaded.returncode:
            raise HostError(f"{self.name}: {', '.join(images)} could not be loaded; files/images/build.py makes them")

    def connection(self) -> dict[str, str | int]:
        """Return where and how ssh reaches the host, in the words of Molecule's instance config."""
        return {
            "instance": self.name,
            "address": self.address,
            "user": self.user,
            "port": 22,
            "identity_file": str(self.key),
        }

    def _booted(self) -> bool:
        argv = ["docker", "exec", self.name, "systemctl", "is-system-running"]
        state = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
        if state == "degraded":
            raise HostError(f"{self.name}: {self.run('systemctl', '--failed', '--plain', '--no-legend')}")
        return state == "running"

    def _says(self, *argv: str) -> bool:
        return subprocess.run(["docker", "exec", self.name, *argv], capture_output=True, check=False).returncode == 0

    def _authorize(self) -> None:
        if not self.key.exists():
            self.key.parent.mkdir(parents=True, exist_ok=True)
            output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mcp test hosts", "-f", str(self.key)])
        public = self.key.with_suffix(".pub").read_text(encoding="ascii").strip()
        self.run("runuser", "-u", self.user, "--", "sh", "-c", f"echo '{public}' >~/.ssh/authorized_keys")


def main() -> int:
    """Obey the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in {"up": "boot a host", "load": "copy images to it", "down": "remove it"}.items():
        command = commands.add_parser(name, help=what)
        command.add_argument("name")
        if name == "load":
            command.add_argument("images", nargs="+")
    given = parser.parse_args()
    host = Host(given.name)
    try:
        if given.command == "up":
            host.up()
            print(json.dumps(host.connection()))
        elif given.command == "load":
            host.load(given.images)
        else:
            host.down()
    except (HostError, AssertionError, subprocess.CalledProcessError) as failed:
        print(f"host.py: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
