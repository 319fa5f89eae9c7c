# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's packet filter, and the addresses that names have now."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import egress

LOOK_UP_SECONDS = 5.0
COMMAND_SECONDS = 30
LOOK_UPS_AT_ONCE = 16


class FirewallError(Exception):
    """Rules that cannot be read or written; the sentence says why and what to do."""


class Firewall(Protocol):
    """What observing and applying need of a host's packet filter."""

    def rules(self, fleet: str) -> egress.Ruleset:
        """The fleet's rules as they are. Raises FirewallError where none can be kept."""

    def write(self, fleet: str, present: egress.Ruleset, wished: egress.Ruleset) -> None:
        """Puts ``wished`` in place of ``present``. Raises FirewallError."""

    def bridges(self, interface: str) -> bool:
        """Whether the engine's networks are interfaces of this host, so that its rules bind them."""

    def write_file(self, path: str, text: str) -> None:
        """Writes a small file in place, for a container may have it mounted. Raises FirewallError."""

    def addresses(self, hosts: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The IPv4 addresses of names, each as ``iptables`` writes it; none for a name that has none now."""


class HostFirewall:
    """The packet filter of the host on which the module runs. ``local``: whether the engine runs there too."""

    def __init__(self, local: bool) -> None:
        self._local = local

    def rules(self, fleet: str) -> egress.Ruleset:
        if not self._local:
            raise FirewallError("the engine is on another host than the module, which cannot keep its rules there")
        if os.geteuid() != 0:
            raise FirewallError("only root may keep the host's rules; run as root")
        if shutil.which("iptables-save") is None or shutil.which("iptables-restore") is None:
            raise FirewallError("iptables is missing on this host; install it (apt-get install iptables)")
        saved = _command(["iptables-save"], "")
        if ":DOCKER-USER " not in saved:
            raise FirewallError(
                "the engine keeps no chain DOCKER-USER on this host, as Docker does with iptables; podman, a rootless"
                " engine, or one with iptables off or with nftables cannot be told"
            )
        return egress.ours(saved, fleet)

    def write(self, fleet: str, present: egress.Ruleset, wished: egress.Ruleset) -> None:
        _command(["iptables-restore", "--wait", "30", "--noflush"], egress.transaction(present, wished, fleet))

    def bridges(self, interface: str) -> bool:
        return os.path.isdir(f"/sys/class/net/{interface}/bridge")

    def write_file(self, path: str, text: str) -> None:
        try:
            with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "r+", encoding="ascii") as file:
                if file.read() != text:
                    file.seek(0)
                    file.write(text)
                    file.truncate()
        except OSError as error:
            raise FirewallError(f"{path} cannot be written: {error.strerror}") from error

    def addresses(self, hosts: Iterable[str]) -> dict[str, tuple[str, ...]]:
        wanted = sorted(set(hosts))
        # Not as a context: its end would wait for a look-up that hangs.
        pool = ThreadPoolExecutor(LOOK_UPS_AT_ONCE)
        try:
            answers = {host: pool.submit(_look_up, host) for host in wanted}
            return {host: _in_time(answer) for host, answer in answers.items()}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> tuple[str, ...]:
    literal = egress.literal(host)
    if literal is not None:
        return (literal,)
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(sorted({f"{each[4][0]}/32" for each in found}))


def _in_time(answer: Future[tuple[str, ...]]) -> tuple[str, ...]:
    try:
        return answer.result(LOOK_UP_SECONDS)
    except TooLate:
        return ()


def _command(words: list[str], text: str) -> str:
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FirewallError(f"{words[0]} could not be run: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise FirewallError(f"{words[0]} refused: {said}")
    return done.stdout
