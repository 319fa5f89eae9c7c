#!/usr/bin/env python3
"""The tests of containers on other engines than this machine's:
engines.py [docker26|docker-userns|podman|podman-rootless]...

Without a name: all of them.

Each engine is started for the run, with data of its own, and ended after it. Docker 26 comes out of the next release of
Debian (tests/debian_programs.sh), podman as Debian's package. What an engine lacks is left out by name, with the
reason.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from tests.e2e.support.own_engine import OwnEngine  # noqa: E402
from tests.e2e.support.waiting import until  # noqa: E402

TESTS = [str(PROJECT / "tests" / "e2e" / name) for name in ("test_containers.py", "test_containers_play.py")]
DOCKER_26 = Path(os.environ.get("DOCKER_26", str(Path.home() / ".cache" / "mcp-orchestrator" / "docker26")))
# Where root may not raise limits, podman's own would keep every container from starting.
PODMAN_CONF = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
TUN = Path("/dev/net/tun")
LACKING = {
    "docker26": {},
    "docker-userns": {},
    "podman": {
        "changed_limits": "podman 4 has no update; the run says so",
        "operator_stopped": "podman 4 has no update, so nobody can take a container out of its restart policy",
        "engine_confirms_that_a_container_is_hard": "podman echoes the dropped capabilities one by one",
        "reach_each_other": "podman's bridge knows no option for traffic between containers",
        "loss_of_its_network": "podman removes no network that a container is in",
    },
}
LACKING["podman-rootless"] = {
    **LACKING["podman"],
    "port_that_somebody_listens_on": "its ports are those of a user's own network namespace",
}
if not Path("/sys/fs/cgroup/cgroup.controllers").exists():
    # Debian 12 has version 2.
    LIMITS = "with version 1 of cgroups a user's containers keep no limits, which each run tells as an error"
    for test in ("broken_container", "disabled_server", "removed_between", "two_runs", "two_whole_runs"):
        LACKING["podman-rootless"][test] = LIMITS


def docker26_programs() -> Path:
    """The root folder of Docker 26's programs, fetched on first use; a host's own runc and libraries do for them."""
    if not (DOCKER_26 / "usr" / "sbin" / "dockerd").exists():
        command = [str(PROJECT / "tests" / "debian_programs.sh"), "trixie", str(DOCKER_26), "docker.io", "containerd"]
        subprocess.run(command, check=True)
    return DOCKER_26


@contextmanager
def docker26() -> Iterator[dict[str, str]]:
    """Docker 26 in a network namespace of its own."""
    own = OwnEngine(programs=docker26_programs())
    try:
        own.start()
        yield {"DOCKER_HOST": own.address, "MCP_TEST_PUBLISH": own.publish}
    finally:
        own.discard()


@contextmanager
def docker_userns() -> Iterator[dict[str, str]]:
    """This machine's Docker in a network namespace of its own, whose containers have other users than the host."""
    name = "mcp-remap"
    subprocess.run(["useradd", "--system", "--add-subids-for-system", name], check=True)
    own = OwnEngine(listen=("--userns-remap", name))
    try:
        for folder in (own.root, own.root / "data"):
            folder.chmod(0o711)  # the engine starts where the shifted root can get to its data only
        own.start()
        yield {"DOCKER_HOST": own.address, "MCP_TEST_PUBLISH": own.publish}
    finally:
        own.discard()
        subprocess.run(["userdel", name], check=True)


@contextmanager
def podman(user: str | None = None) -> Iterator[dict[str, str]]:
    """Podman's socket, of root or of another user."""
    folder = Path(tempfile.mkdtemp(prefix="mcp-podman-", dir="/var/tmp"))
    (folder / "containers.conf").write_text(PODMAN_CONF)
    socket = folder / "podman.sock"
    words = ["podman", "--root", f"{folder}/data", "--runroot", f"{folder}/run", "--cgroup-manager", "cgroupfs"]
    words += ["system", "service", "--time", "0", f"unix://{socket}"]
    environment = {**os.environ, "CONTAINERS_CONF": f"{folder}/containers.conf", "TMPDIR": str(folder)}
    group = None if user is None else pwd.getpwnam(user).pw_gid
    if user is not None:
        shutil.chown(folder, user, group)
        runtime = Path("/run/user", str(pwd.getpwnam(user).pw_uid))
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.chown(runtime, user, group)
        environment |= {"HOME": str(folder), "XDG_RUNTIME_DIR": str(runtime)}
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(
            words, env=environment, user=user, group=group, stdout=log, stderr=log, start_new_session=True, cwd=folder
        )
    try:
        until(lambda: socket.exists() or service.poll() is not None, "podman answers", 60)
        if service.poll() is not None:
            raise RuntimeError(f"podman does not start: {(folder / 'log').read_text()[-800:]}")
        yield {"DOCKER_HOST": f"unix://{socket}"}
    finally:
        if service.poll() is None:
            os.killpg(service.pid, signal.SIGTERM)
            service.wait(60)
        subprocess.run(
            [*words[:7], "rm", "--all", "--force"], env=environment, user=user, group=group, cwd=folder, check=False
        )
        for mount in reversed(Path("/proc/mounts").read_text().splitlines()):
            if mount.split()[1].startswith(f"{folder}/"):
                subprocess.run(["umount", "--lazy", mount.split()[1]], check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def podman_rootless() -> Iterator[dict[str, str]]:
    """Podman's socket of a user without rights, with what a Debian host and its login give such a user."""
    name = "mcp-podman"
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--system", "--add-subids-for-system", name], check=True)
    before = TUN.stat().st_mode
    TUN.chmod(0o666)  # as udev's rules have it
    end_session(name)
    try:
        with podman(name) as address:
            yield address
    finally:
        end_session(name)
        TUN.chmod(before)


def end_session(name: str) -> None:
    """Ends what a user runs and forgets what podman keeps until the next boot: half a network namespace stays half."""
    number = pwd.getpwnam(name).pw_uid
    subprocess.run(["pkill", "-KILL", "-u", name], check=False)
    shutil.rmtree(f"/run/user/{number}", ignore_errors=True)
    Path(f"/dev/shm/libpod_rootless_lock_{number}").unlink(missing_ok=True)


ENGINES = {"docker26": docker26, "docker-userns": docker_userns, "podman": podman, "podman-rootless": podman_rootless}


def main(names: list[str]) -> int:
    """Runs the tests on each named engine; returns the exit code."""
    failed = []
    for name in names or ENGINES:
        print(f"==> {name}")
        for test, why in LACKING[name].items():
            print(f"    without {test}: {why}")
        without = " and ".join(f"not {test}" for test in LACKING[name]) or "test"
        try:
            with ENGINES[name]() as where:
                words = [sys.executable, "-m", "pytest", "-q", *TESTS, "-k", without]
                code = subprocess.run(words, env={**os.environ, **where}, cwd=PROJECT, check=False).returncode
        except (OSError, RuntimeError, AssertionError, subprocess.CalledProcessError) as error:
            print(f"engines.py: {name}: {error}", file=sys.stderr)
            code = 1
        if code:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "the engines behave alike")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
