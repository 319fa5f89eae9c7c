"""Under the supervisor: whose the files and the programs of an installation are, and who else gets to them."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.support.site import USERS, Site
from tests.hosts.files import deviations, files, table

ALB, MANAGER, MONITOR, ROUTER = (
    USERS[name] for name in ("local_alb_user", "manager_user", "monitor_user", "node_router_user")
)
NOBODY = 65534


def programs(site: Site) -> dict[str, tuple[str, str, set[str]]]:
    """The user, the umask and the groups of each program of the installation, by what its command line has in it."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            status = (folder / "status").read_text()
        except OSError:  # it ended while we looked
            continue
        # The supervisor starts each program through a shell of the same user.
        if str(site.root) not in command or "ansible" in command or command.startswith("/bin/sh -c setpriv"):
            continue
        said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        user = pwd.getpwuid(int(said["Uid"].split()[1])).pw_name
        words = ("supervisord", "local_alb ", "haproxy", "-m manager", "monitor")
        name = next((word for word in words if word in command), command).removeprefix("-m ")
        found[f"{name.strip()} {folder.name}"] = (user, said["Umask"], set(said["Groups"].split()))
    return found


def test_every_file_is_open_to_those_alone_who_need_it(site: Site) -> None:
    rows = table(site.etc, site.var, MONITOR, MANAGER, ALB, ROUTER)
    assert list(deviations(rows, files(site.etc, site.var, elsewhere=()))) == []


def test_the_table_knows_when_a_file_is_open_to_more(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "state.json"
    secret.touch()
    secret.chmod(0o644)
    rows = table(tmp_path / "etc", tmp_path, MONITOR, MANAGER, ALB, ROUTER)
    assert [re.sub(r".*json: ", "", line) for line in deviations(rows, [secret])] == [
        f"root:root 0644, where root:{MONITOR} and at most 0640 is enough"
    ]


def test_programs_run_as_users_of_their_own_and_write_nothing_for_everybody(site: Site) -> None:
    found = programs(site)
    users = {name.split()[0]: user for name, (user, _umask, _groups) in found.items()}
    assert users == {"supervisord": "root", "local_alb": ALB, "haproxy": ALB, "manager": MANAGER, "monitor": MONITOR}
    assert {umask for _user, umask, _groups in found.values()} == {"0027"}
    root_groups = {"0"}
    assert not any(groups & root_groups for user, _umask, groups in found.values() if user != "root")


def test_the_monitor_has_neither_the_engines_socket_nor_credentials(site: Site) -> None:
    (pid,) = (name.split()[1] for name in programs(site) if name.startswith("monitor"))
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    names = {each.partition("=")[0] for each in variables if each and not each.startswith("SUPERVISOR_")}
    assert names <= {"LANG", "PATH", "PWD", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    monitor = pwd.getpwnam(MONITOR)
    ask = "import socket; socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')"
    as_monitor = {"user": monitor.pw_uid, "group": monitor.pw_gid, "extra_groups": []}
    refused = subprocess.run(["/usr/bin/python3", "-c", ask], capture_output=True, check=False, **as_monitor)
    assert b"PermissionError" in refused.stderr


@pytest.mark.parametrize(
    "file",
    [
        *("etc/mcp.config.json", "etc/monitor.password", "etc/fleet.key", "etc/session.key"),
        *("var/state.json", "var/login.json"),
    ],
)
def test_another_user_of_the_host_reads_none_of_it(site: Site, file: str) -> None:
    assert os.access(site.root / file, os.R_OK)
    read = subprocess.run(
        ["cat", site.root / file], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=False
    )
    assert (read.returncode, read.stdout) == (1, b"")
    assert b"Permission denied" in read.stderr
