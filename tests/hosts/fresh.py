#!/usr/bin/env python3
"""Do on a fresh host what a new user does: unpack this project's HEAD, run setup.sh, and run it once more.

Usage: fresh.py [--without-systemd | --without-apt | --upgrade]. Exits 0 when both runs succeed and the second changes
nothing.

--without-apt: everything is there and neither apt nor dpkg is, as on another distribution. setup.sh comes to its end,
so does the playbook over ssh; with two things missing one message names both, and nothing is changed.
--upgrade: afterwards another release is installed and rolled back, while clients ask; no request of theirs may fail.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from host import HERE, Host, HostError

PROJECT = HERE.parents[1]
# What the test host's image holds and a Debian machine out of the box does not.
NOT_FRESH = ("docker.io", "containerd", "runc", "iptables", "python3-venv", "python3-pip-whl")
SAMPLES = ("mcp-sample/time:1", "mcp-sample/everything:1", "mcp-sample/orders:1")
APT = (
    "/usr/bin/apt*",
    "/usr/bin/dpkg*",
    "/usr/sbin/dpkg*",
    "/usr/lib/apt",
    "/etc/apt",
    "/var/lib/dpkg",
    "/var/lib/apt",
)
HOME = "/opt/mcp-orchestrator"


class Ec2Host(Host):
    """A host as Amazon Linux hands it out: ec2-user becomes root, and there is no apt."""

    user = "ec2-user"

    def up(self) -> None:
        """Boot the host, with what an installation needs and no way to get more."""
        super().up()
        self.run(
            "sh", "-c", "apt-get update -qq && apt-get install -y -qq --no-install-recommends haproxy", timeout=120
        )
        self.run("systemctl", "disable", "--now", "haproxy")
        self.run("sh", "-c", f"rm -rf {' '.join(APT)}")
        self.load(SAMPLES)

    def _authorize(self) -> None:
        self.run(
            "sh",
            "-c",
            "usermod -l ec2-user -d /home/ec2-user -m admin && sed -i s/admin/ec2-user/ /etc/sudoers.d/admin",
        )
        super()._authorize()


def unpack_head(host: Host, directory: str) -> None:
    """Put the committed files of this project into DIRECTORY on HOST; raises HostError."""
    argv = ["git", "-C", str(PROJECT), "archive", "--prefix", f"{directory.strip('/')}/", "HEAD"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as archive:
        unpack = ["docker", "cp", "-", f"{host.name}:/"]
        unpacked = subprocess.run(unpack, stdin=archive.stdout, capture_output=True, text=True, check=False)
    if archive.returncode or unpacked.returncode:
        raise HostError(f"{host.name}: HEAD could not be unpacked: {unpacked.stderr.strip()}")


def set_up(host: Host, directory: str, *options: str) -> int:
    """Run setup.sh as the host's user, show what it says, and return how many changes it reports; raises HostError."""
    begun = time.monotonic()
    # A login as a person has it: none of this process's variables, which an engine's exec would not pass on anyway.
    command = f"cd {directory} && sudo ./setup.sh {' '.join(options)} 2>&1"
    code, said = show(["docker", "exec", host.name, "runuser", "-l", host.user, "-c", command])
    if code:
        raise HostError(f"setup.sh exited with {code}")
    return changes(said, "setup.sh", begun)


def show(argv: list[str]) -> tuple[int, list[str]]:
    """Run ARGV, show what it says, and return its exit code and the lines."""
    said = []
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            print(f"  {line}", end="", flush=True)
            said.append(line)
    return running.returncode, said


def changes(said: list[str], what: str, begun: float) -> int:
    """Return how many changes the recaps of a run report; raises HostError where they report not even none."""
    counts = [int(count) for line in said for count in re.findall(r"\bchanged=(\d+)", line)]
    if not counts:
        raise HostError(f"{what} reported no changes, not even none")
    print(f"==> {what}: {time.monotonic() - begun:.0f} s, changed={sum(counts)}", flush=True)
    return sum(counts)


def see_files(host: Host) -> None:
    """Raise HostError, with a line for each, where a file of the installation is open to more than need it."""
    argv = ["docker", "cp", str(HERE / "files.py"), f"{host.name}:/root/files.py"]
    subprocess.run(argv, capture_output=True, check=True)
    host.run("/usr/bin/python3", "/root/files.py")


def see_edits(host: Host) -> None:
    """Raise HostError where an edit of the config is not followed, whatever the moment at which it is made."""
    subprocess.run(
        ["docker", "cp", str(HERE / "edits.py"), f"{host.name}:/root/edits.py"], capture_output=True, check=True
    )
    print(host.run("/usr/bin/python3", "/root/edits.py", timeout=1800), flush=True)


def see_that_one_message_names_all(host: Host, directory: str) -> None:
    """Raise HostError unless setup.sh names two missing things at once and leaves the host as it is."""
    host.run("sh", "-c", "mv /usr/sbin/haproxy /root && mv /usr/sbin/iptables-save /root && touch /root/before")
    command = ["docker", "exec", host.name, "sh", "-c", f"cd {directory} && ./setup.sh 2>&1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout, flush=True)
    wanted = ["lacks what the installation needs", "iptables, which", "HAProxy 2.6", "dnf install", "zypper install"]
    lacking = [each for each in wanted if done.stdout.count(each) != 1]
    changed = host.run("find", HOME, "/etc/mcp-orchestrator", "/etc/systemd/system", "-newer", "/root/before")
    if not done.returncode or lacking or changed:
        raise HostError(f"setup.sh exited with {done.returncode}, did not say once {lacking}, changed: {changed}")
    host.run("sh", "-c", "mv /root/haproxy /root/iptables-save /usr/sbin")


def play_over_ssh(host: Host) -> None:
    """Run the site playbook of this tree on HOST over ssh, as with inventory/aws; raises HostError."""
    begun = time.monotonic()
    place = host.connection()
    ssh = {"ansible_host": place["address"], "ansible_user": place["user"], "ansible_become": True}
    ssh |= {"ansible_ssh_private_key_file": place["identity_file"]}
    ssh |= {"ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"}
    inventory = PROJECT / ".ansible" / f"{host.name}.json"
    inventory.parent.mkdir(exist_ok=True)
    # The name by which setup.sh knows the host, so that the two ways can be compared.
    ssh |= {"mcp_host": "localhost", "mcp_host_labels_by_host": {"localhost": {}}}
    inventory.write_text(json.dumps({"mcp_hosts": {"hosts": {host.name: ssh}}}))
    try:
        code, said = show([str(PROJECT / ".venv/bin/ansible-playbook"), "playbooks/site.yml", "-i", str(inventory)])
    finally:
        inventory.unlink()
    if code:
        raise HostError(f"the playbook over ssh exited with {code}")
    changes(said, "the playbook over ssh", begun)


@contextmanager
def asked(host: Host) -> Iterator[None]:
    """Ask every server all the time meanwhile; raises HostError where a request failed."""
    subprocess.run(["docker", "cp", str(HERE / "ask.py"), f"{host.name}:/root/ask.py"], capture_output=True, check=True)
    argv = ["docker", "exec", "-i", host.name, "/usr/bin/python3", "/root/ask.py", "http://127.0.0.1:8080"]
    with subprocess.Popen(
        [*argv, "time", "everything", "orders"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as asking:
        try:
            yield
        finally:
            said, _ = asking.communicate("", timeout=60)
    told = json.loads(said)
    print(f"==> {told['asked']} requests meanwhile, {len(told['failures'])} failed", flush=True)
    if told["failures"] or told["asked"] < 100:
        raise HostError(f"requests failed: {told['failures'][:5]}")


def upgrade_and_roll_back(host: Host, directory: str) -> None:
    """Install another release and go back to the former one while clients ask; raises HostError."""
    former = host.run("readlink", f"{HOME}/current")
    another = f"{directory}-next"
    host.run("cp", "-a", directory, another)
    # Another bridge, so that every container of a stdio server is replaced, another unit, and a service of its own.
    host.run("sh", "-c", f"echo '# the next release' >>{another}/files/bridge/__init__.py")
    host.run(
        "sh",
        "-c",
        "sed -i 's/^After=network.target/&\\nDocumentation=man:haproxy(1)/' "
        f"{another}/roles/service/templates/unit.service.j2",
    )
    haproxy = host.run("systemctl", "show", "-P", "MainPID", "mcp-local-alb-haproxy")
    with asked(host):
        set_up(host, another)
    new = host.run("readlink", f"{HOME}/current")
    unit = "/etc/systemd/system/mcp-of-the-next.service"
    host.run(
        "sh", "-c", f"printf '[Service]\\nWorkingDirectory={new}/files\\nExecStart=/bin/sleep infinity\\n' >{unit}"
    )
    host.run("systemctl", "start", "mcp-of-the-next")
    with asked(host):
        set_up(host, directory, "--rollback")
    wanted = {"current": former, "previous": new}
    found = {name: host.run("readlink", f"{HOME}/{name}") for name in wanted}
    if found != wanted or former == new:
        raise HostError(f"{found}, not {wanted}")
    left = f"systemctl list-units --all --plain --no-legend 'mcp-of-the-next*'; ls {unit} 2>/dev/null || true"
    if host.run("sh", "-c", left):
        raise HostError("a service of the next release is still there")
    if host.run("systemctl", "show", "-P", "MainPID", "mcp-local-alb-haproxy") != haproxy:
        raise HostError("HAProxy was restarted")
    if changed := set_up(host, directory):
        raise HostError(f"after the rollback setup.sh of the former release changed {changed} things")


def try_out(host: Host, directory: str, options: argparse.Namespace) -> None:
    """Everything that the options ask for, on a host that is up; raises HostError."""
    if not options.without_apt:
        host.run("apt-get", "purge", "-qq", "--yes", *NOT_FRESH, timeout=120)
    unpack_head(host, directory)
    set_up(host, directory)
    see_files(host)
    if changed := set_up(host, directory):
        raise HostError(f"the second run of setup.sh changed {changed} things; it should have found all done")
    if host.systemd and not options.without_apt:
        see_edits(host)
    if options.without_apt:
        play_over_ssh(host)
        see_that_one_message_names_all(host, directory)
    if options.upgrade:
        upgrade_and_roll_back(host, directory)


def main() -> int:
    """Obey the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--without-systemd", action="store_true", help="PID 1 is something that starts nothing")
    parser.add_argument(
        "--without-apt", action="store_true", help="another distribution with everything that is needed"
    )
    parser.add_argument("--upgrade", action="store_true", help="install another release too, and go back")
    options = parser.parse_args()
    kind = Ec2Host if options.without_apt else Host
    host = kind(f"mcp-fresh-{os.getpid()}", systemd=not options.without_systemd)
    directory = f"/home/{host.user}/mcp-orchestrator"
    try:
        with host:
            try_out(host, directory, options)
    except (HostError, AssertionError, subprocess.CalledProcessError) as failed:
        print(f"fresh.py: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
