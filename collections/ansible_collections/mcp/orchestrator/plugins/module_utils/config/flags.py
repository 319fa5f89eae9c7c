# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every flag of ``docker run`` and what becomes of it: the one table that all of argv reading follows.

The flags are those of Docker's command line reference (docs.docker.com, "docker container run"), and podman's of the
same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fate(Enum):
    """The four things that can become of a flag."""

    MAPPED = "maps to the spec"
    OURS = "ours to decide"
    REFUSED = "refused for safety"
    UNSUPPORTED = "not supported"


@dataclass(frozen=True)
class Flag:
    """One flag: long name, fate, what to tell the user about it, short letter, and whether it takes a value."""

    name: str
    fate: Fate
    note: str = ""
    short: str = ""
    takes_value: bool = True


_MAPPED = (
    Flag("cpus", Fate.MAPPED),
    Flag("entrypoint", Fate.MAPPED),
    Flag("env", Fate.MAPPED, short="e"),
    Flag("init", Fate.MAPPED, takes_value=False),
    Flag("memory", Fate.MAPPED, short="m"),
    Flag("network", Fate.MAPPED),
    Flag("net", Fate.MAPPED),
    Flag("pids-limit", Fate.MAPPED),
    Flag("publish", Fate.MAPPED, short="p"),
    Flag("read-only", Fate.MAPPED, takes_value=False),
    Flag("tmpfs", Fate.MAPPED),
    Flag("user", Fate.MAPPED, short="u"),
    Flag("volume", Fate.MAPPED, short="v"),
    Flag("workdir", Fate.MAPPED, short="w"),
)

_OURS = (
    Flag("attach", Fate.OURS, "the bridge is attached to the server, nobody else", short="a"),
    Flag("detach", Fate.OURS, "every container runs in the background", short="d", takes_value=False),
    Flag("detach-keys", Fate.OURS, "nobody is attached"),
    Flag("interactive", Fate.OURS, "the bridge holds the server's standard input", short="i", takes_value=False),
    Flag("name", Fate.OURS, "containers are named after the fleet and the server"),
    Flag("rm", Fate.OURS, "the reconciler removes containers", takes_value=False),
    Flag("tty", Fate.OURS, "a terminal would garble the protocol", short="t", takes_value=False),
)

_REFUSED = (
    Flag("cap-add", Fate.REFUSED, "containers run without capabilities"),
    Flag("cgroup-parent", Fate.REFUSED, "it escapes the fleet's limits"),
    Flag("cgroupns", Fate.REFUSED, "it shares a namespace of the host"),
    Flag("device", Fate.REFUSED, "it gives the container a device of the host"),
    Flag("device-cgroup-rule", Fate.REFUSED, "it gives the container devices of the host"),
    Flag("ipc", Fate.REFUSED, "it shares a namespace with others"),
    Flag("oom-kill-disable", Fate.REFUSED, "it takes the host's way out of memory shortage", takes_value=False),
    Flag("pid", Fate.REFUSED, "it shows the container the processes of others"),
    Flag("privileged", Fate.REFUSED, "it gives the container the whole host", takes_value=False),
    Flag("security-opt", Fate.REFUSED, "the fleet's own confinement stands"),
    Flag("userns", Fate.REFUSED, "it shares a namespace of the host"),
    Flag("uts", Fate.REFUSED, "it shares a namespace of the host"),
    Flag("volumes-from", Fate.REFUSED, "it opens the volumes of others"),
)

FLAGS: tuple[Flag, ...] = _MAPPED + _OURS + _REFUSED
BY_NAME = {flag.name: flag for flag in FLAGS}
BY_LETTER = {flag.short: flag for flag in FLAGS if flag.short}
