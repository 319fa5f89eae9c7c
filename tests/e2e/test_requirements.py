"""What is said on a host that lacks something and has no apt: one message, with the command of its distribution."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.support.site import PROJECT

IMAGE = "mcp-base/debian:12"
AWS = "[aws]\nlistener_arn = arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/a/1/2\n"
WITHOUT_APT = "rm -rf /usr/bin/apt* /usr/bin/dpkg* /var/lib/dpkg; "
# A program that is there; HAProxy's also tells its version.
PROGRAM = "printf '#!/bin/sh\\necho HAProxy version {version}\\n' >/usr/bin/{name}; chmod +x /usr/bin/{name}; "
EVERYTHING = ("dockerd", "iptables-save", "haproxy", "flock", "tar", "useradd")
# As far as the look goes: a Python that is new enough and has what makes an environment.
PYTHON = "printf '#!/bin/sh\\nexit 0\\n' >/usr/bin/python3.11; chmod +x /usr/bin/python3.11; "
OLD_PYTHON = (
    "printf '#!/bin/sh\n[ \"$1\" = --version ] && echo Python 3.9.16\n' >/usr/bin/python3; chmod +x /usr/bin/python3; "
)
RUN = 'cd /project && roles/requirements/files/requirements.sh /nowhere "$(cat)"'


def programs(*names: str, version: str = "2.6.12") -> str:
    return "".join(PROGRAM.format(name=name, version=version) for name in names)


def on_host(script: str, settings: str = "", distribution: str = "") -> subprocess.CompletedProcess[str]:
    """What a shell script says on a host of a distribution, which sees the project and cannot change it."""
    release = f"echo 'ID=\"{distribution}\"' >/etc/os-release; " if distribution else ""
    argv = ["docker", "run", "--rm", "-i", "--network", "none", "-v", f"{PROJECT}:/project:ro", IMAGE, "sh", "-c"]
    return subprocess.run([*argv, release + script], input=settings, capture_output=True, text=True, check=False)


def test_what_is_there_is_used_as_it_is() -> None:
    done = on_host(WITHOUT_APT + OLD_PYTHON + PYTHON + programs(*EVERYTHING) + RUN)
    assert (done.returncode, done.stdout) == (0, "/usr/bin/python3.11\n"), done.stderr


@pytest.mark.parametrize(
    ("distribution", "manager", "command"),
    [
        ("amzn", "dnf", "sudo dnf install -y python3.11 docker iptables-nft haproxy"),
        ("fedora", "dnf", "sudo dnf install -y python3 moby-engine iptables-nft haproxy"),
        (
            "rhel",
            "dnf",
            "sudo dnf config-manager --add-repo https://download.docker.com/linux/rhel/docker-ce.repo && "
            "sudo dnf install -y python3.11 docker-ce iptables-nft haproxy",
        ),
        ("opensuse-leap", "zypper", "sudo zypper install -y python311 docker iptables haproxy"),
    ],
)
def test_one_message_names_everything_that_is_missing_with_the_distributions_command(
    distribution: str, manager: str, command: str
) -> None:
    script = WITHOUT_APT + OLD_PYTHON + programs("flock", "tar", "useradd", manager) + RUN
    done = on_host(script, distribution=distribution)
    assert done.returncode == 1
    named = ("Python 3.11 or newer", "(found: Python 3.9.16)", "a Docker engine", "iptables, which", "HAProxy 2.6")
    for missing in named:
        assert done.stderr.count(missing) == 1, done.stderr
    assert done.stderr.splitlines()[-1].strip() == command


def test_without_a_package_manager_that_it_knows_it_names_both_commands() -> None:
    done = on_host(WITHOUT_APT + PYTHON + programs("dockerd", "flock", "tar", "useradd") + RUN)
    assert "sudo dnf install -y iptables-nft haproxy\n" in done.stderr
    assert "sudo zypper install -y iptables haproxy\n" in done.stderr


@pytest.mark.parametrize(
    ("settings", "is_needed"),
    [(AWS, False), (f"{AWS}[routes]\ntopology = node-router\n", True), ("# listener_arn = x\n", True), ("", True)],
)
def test_haproxy_is_asked_for_where_it_is_used(settings: str, is_needed: bool) -> None:
    done = on_host(WITHOUT_APT + PYTHON + programs(*(set(EVERYTHING) - {"haproxy"})) + RUN, settings)
    assert (done.returncode, "HAProxy" in done.stderr) == (int(is_needed), is_needed), done.stderr


def test_an_older_haproxy_does_not_do() -> None:
    script = WITHOUT_APT + PYTHON + programs(*(set(EVERYTHING) - {"haproxy"})) + programs("haproxy", version="2.4.22")
    done = on_host(script + RUN)
    assert (done.returncode, "HAProxy 2.6 or newer" in done.stderr) == (1, True)


def test_setup_says_it_before_it_changes_anything() -> None:
    changes = "find / -xdev -newer /before -path '*mcp*' -o -xdev -newer /before -type f"
    done = on_host(f"{WITHOUT_APT}{PYTHON}touch /before; /project/setup.sh; {changes}")
    assert "setup: this host lacks what the installation needs; nothing has been changed:" in done.stderr
    assert done.stdout == ""


def test_where_there_is_apt_only_a_python_must_be_there() -> None:
    done = on_host(PYTHON + RUN)
    assert (done.returncode, done.stdout) == (0, "/usr/bin/python3.11\n"), done.stderr
