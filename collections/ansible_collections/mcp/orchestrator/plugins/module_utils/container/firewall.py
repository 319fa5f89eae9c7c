# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's packet filter."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import OWNER_ONLY, replace_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import host_network, rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import HostNetwork, Ruleset

# The engine's own rule. The chain alone binds nothing: at a boot it is made before the engine is there, or without it.
USER_CHAIN, LEADS_THERE = ":DOCKER-USER ", "-A FORWARD -j DOCKER-USER"
COMMAND_SECONDS = 30


class FirewallError(Exception):
    """Rules that cannot be read or written; the sentence says why and what to do."""


class Firewall(Protocol):
    """What observing and applying need of a host's packet filter."""

    def rules(self, fleet: str) -> Ruleset:
        """Returns the fleet's rules as they are. Raises FirewallError where none can be kept."""

    def host_network(self) -> HostNetwork:
        """Returns what of this host the rules depend on; to be asked after ``rules``."""

    def write(self, fleet: str, present: Ruleset, desired: Ruleset) -> None:
        """Puts ``desired`` in place of ``present``. Raises FirewallError."""

    def saved(self, fleet: str) -> tuple[str, str] | None:
        """Returns the saved texts for IPv4 and IPv6, empty without rules; None where none are saved."""

    def save(self, fleet: str, texts: tuple[str, str]) -> None:
        """Keeps the texts for the next boot, and an empty one not at all. Raises FirewallError."""

    def has_bridge(self, interface: str) -> bool:
        """Returns whether a bridge of that name is an interface of this host, so that its rules bind what is on it."""


class HostFirewall:
    """The packet filter of the host on which the module runs.

    ``local``: whether the engine runs there too. ``directory`` is where the rules are saved for the next boot, as
    FLEET.v4 and FLEET.v6; None: nowhere.
    """

    def __init__(self, local: bool, directory: str | None = None) -> None:
        self._local = local
        self._directory = directory
        self._user_chain_ipv6 = False

    def rules(self, fleet: str) -> Ruleset:
        if not self._local:
            raise FirewallError("the engine is on another host, where this module cannot write firewall rules")
        if os.geteuid() != 0:
            raise FirewallError("only root can write the host's firewall rules; run as root")
        if shutil.which("iptables-save") is None or shutil.which("iptables-restore") is None:
            raise FirewallError("iptables is missing on this host; install the package iptables")
        # Beside each other, for every run waits for both.
        with ThreadPoolExecutor(1) as pool:
            six = pool.submit(_command, ["ip6tables-save", "-t", "filter"], "") if host_network.has_ipv6() else None
            saved = _command(["iptables-save"], "")
            saved_ipv6 = six.result() if six is not None else ""
        if USER_CHAIN not in saved:
            raise FirewallError(
                "the engine has no chain DOCKER-USER in iptables on this host; podman, a rootless engine, and one with"
                " nftables or with iptables off cannot be controlled"
            )
        if LEADS_THERE not in saved.splitlines():
            raise FirewallError(
                "no rule jumps to the chain DOCKER-USER on this host, so its rules apply to no container; restart the"
                " engine, which adds the jump again (systemctl restart docker)"
            )
        self._user_chain_ipv6 = LEADS_THERE in saved_ipv6.splitlines()
        return rules.ours(saved, saved_ipv6, fleet)

    def host_network(self) -> HostNetwork:
        return HostNetwork(
            host_network.resolvers(),
            host_network.uplinks(),
            host_network.own_addresses(),
            host_network.has_ipv6(),
            self._user_chain_ipv6,
        )

    def write(self, fleet: str, present: Ruleset, desired: Ruleset) -> None:
        ipv4, ipv6 = rules.transactions(present, desired, fleet)
        _command(["iptables-restore", "--wait", "30", "--noflush"], ipv4)
        if ipv6:
            _command(["ip6tables-restore", "--wait", "30", "--noflush"], ipv6)

    def saved(self, fleet: str) -> tuple[str, str] | None:
        if self._directory is None:
            return None
        ipv4, ipv6 = (_text_of(path) for path in _files(self._directory, fleet))
        return ipv4, ipv6

    def save(self, fleet: str, texts: tuple[str, str]) -> None:
        if self._directory is None:
            return
        try:
            os.makedirs(self._directory, 0o700, exist_ok=True)
            for path, text in zip(_files(self._directory, fleet), texts, strict=True):
                _replace(path, text)
        except OSError as error:
            raise FirewallError(f"the rules cannot be saved in {self._directory}: {error.strerror}") from error

    def has_bridge(self, interface: str) -> bool:
        return os.path.isdir(f"/sys/class/net/{interface}/bridge")


def _files(directory: str, fleet: str) -> tuple[str, str]:
    return os.path.join(directory, f"{fleet}.v4"), os.path.join(directory, f"{fleet}.v6")


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except (OSError, UnicodeError):
        return ""


def _replace(path: str, text: str) -> None:
    """Puts a file in place at once, for root alone; no file for an empty text. Raises OSError."""
    if not text:
        with suppress(FileNotFoundError):
            os.unlink(path)
        return
    replace_file(path, text.encode("ascii"), OWNER_ONLY)


def _command(words: list[str], text: str) -> str:
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FirewallError(f"{words[0]} could not be run: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise FirewallError(f"{words[0]} refused: {said}")
    return done.stdout
