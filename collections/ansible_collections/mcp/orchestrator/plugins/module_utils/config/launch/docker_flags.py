# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every flag of ``docker run`` and ``podman run``, and what becomes of it: the one table all argv reading follows.

The flags are those of Docker's command line reference (docs.docker.com, "docker container run", Docker 28) and of
podman's manual page podman-run(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Handling(Enum):
    """The four things that can become of a flag."""

    MAPPED = "maps to the spec"
    OURS = "ours to decide"
    REFUSED = "refused for safety"
    UNSUPPORTED = "not supported"


@dataclass(frozen=True)
class Flag:
    """One flag: long name, handling, and what to tell the user about it.

    ``short`` is its letter, ``alias`` another long name. ``allow`` names the key of [security] in settings.conf that
    lets a refused flag through; without one it is always refused.
    """

    name: str
    handling: Handling
    note: str = ""
    short: str = ""
    takes_value: bool = True
    alias: str = ""
    allow: str = ""


def _mapped(name: str, short: str = "", *, alias: str = "", takes_value: bool = True) -> Flag:
    return Flag(name, Handling.MAPPED, short=short, alias=alias, takes_value=takes_value)


def _ours(name: str, note: str, short: str = "", *, takes_value: bool = True) -> Flag:
    return Flag(name, Handling.OURS, note, short=short, takes_value=takes_value)


def _refused(name: str, note: str, allow: str = "", *, takes_value: bool = True) -> Flag:
    return Flag(name, Handling.REFUSED, note, allow=allow, takes_value=takes_value)


def _unsupported(name: str, note: str, short: str = "", *, takes_value: bool = True) -> Flag:
    return Flag(name, Handling.UNSUPPORTED, note, short=short, takes_value=takes_value)


_HEALTH = "the reconciler asks the server itself, at its health path"
_LOGS = "the logs are kept and rotated by the fleet"
_WINDOWS = "it is for Windows containers"
_DISKS = "limits of single disks are the host's to set; remove it"
_ADDRESS = "the engine assigns the addresses; remove it"
_REALTIME = "use --cpus, --cpu-shares or --cpuset-cpus"
_PODMAN = "docker has no such flag; remove it"
_NAMESPACE = "it shares a namespace of the host"

DOCKER_FLAGS: tuple[Flag, ...] = (
    _mapped("add-host"),
    _unsupported("annotation", "no engine before 24 knows annotations; remove it"),
    _ours("attach", "the bridge is attached to the server, nobody else", "a"),
    _unsupported("blkio-weight", _DISKS),
    _unsupported("blkio-weight-device", _DISKS),
    _refused("cap-add", "containers run without capabilities", "allow_capabilities"),
    _ours("cap-drop", "containers run without capabilities anyway"),
    _refused("cgroup-parent", "it escapes the fleet's limits"),
    _refused("cgroupns", _NAMESPACE, "allow_host_namespaces"),
    _ours("cidfile", "the container's id is in the state file"),
    _unsupported("cpu-count", _WINDOWS),
    _unsupported("cpu-percent", _WINDOWS),
    _unsupported("cpu-period", _REALTIME),
    _unsupported("cpu-quota", _REALTIME),
    _unsupported("cpu-rt-period", _REALTIME),
    _unsupported("cpu-rt-runtime", _REALTIME),
    _mapped("cpu-shares", "c"),
    _mapped("cpus"),
    _mapped("cpuset-cpus"),
    _mapped("cpuset-mems"),
    _ours("detach", "every container runs in the background", "d", takes_value=False),
    _ours("detach-keys", "nobody is attached"),
    _refused("device", "it gives the container a device of the host", "allow_devices"),
    _refused("device-cgroup-rule", "it gives the container devices of the host", "allow_devices"),
    _unsupported("device-read-bps", _DISKS),
    _unsupported("device-read-iops", _DISKS),
    _unsupported("device-write-bps", _DISKS),
    _unsupported("device-write-iops", _DISKS),
    _ours("disable-content-trust", "the engine's own setting decides", takes_value=False),
    _mapped("dns"),
    _mapped("dns-option", alias="dns-opt"),
    _mapped("dns-search"),
    _mapped("domainname"),
    _mapped("entrypoint"),
    _mapped("env", "e"),
    _mapped("env-file"),
    _ours("expose", "the one port that speaks MCP is published"),
    _refused("gpus", "it gives the container devices of the host", "allow_devices"),
    _mapped("group-add"),
    _ours("health-cmd", _HEALTH),
    _ours("health-interval", _HEALTH),
    _ours("health-retries", _HEALTH),
    _ours("health-start-interval", _HEALTH),
    _ours("health-start-period", _HEALTH),
    _ours("health-timeout", _HEALTH),
    _unsupported("help", "it starts no server; remove it", takes_value=False),
    _mapped("hostname", "h"),
    _mapped("init", takes_value=False),
    _ours("interactive", "the bridge holds the server's standard input", "i", takes_value=False),
    _unsupported("io-maxbandwidth", _WINDOWS),
    _unsupported("io-maxiops", _WINDOWS),
    _unsupported("ip", _ADDRESS),
    _unsupported("ip6", _ADDRESS),
    _refused("ipc", "it shares memory with others", "allow_host_namespaces"),
    _unsupported("isolation", _WINDOWS),
    _unsupported("kernel-memory", "engines no longer have this limit; use --memory"),
    _mapped("label", "l"),
    _unsupported("label-file", "write the labels with --label"),
    _unsupported("link", "write --network, and reach the other by its name there"),
    _unsupported("link-local-ip", _ADDRESS),
    _ours("log-driver", _LOGS),
    _ours("log-opt", _LOGS),
    _unsupported("mac-address", _ADDRESS),
    _mapped("memory", "m"),
    _mapped("memory-reservation"),
    _ours("memory-swap", "servers get no swap, so that the memory limit is the limit"),
    _ours("memory-swappiness", "servers get no swap, so that the memory limit is the limit"),
    _mapped("mount"),
    _ours("name", "containers are named after the fleet and the server"),
    _mapped("network", alias="net"),
    Flag(
        "network-alias",
        Handling.UNSUPPORTED,
        "the server is reached through its route; others on its network reach it by its container's name",
        alias="net-alias",
    ),
    _ours("no-healthcheck", _HEALTH, takes_value=False),
    _refused("oom-kill-disable", "it takes the host's way out when memory is short", takes_value=False),
    _mapped("oom-score-adj"),
    _refused("pid", "it shows the container the processes of others", "allow_host_namespaces"),
    _mapped("pids-limit"),
    _mapped("platform"),
    _refused("privileged", "it gives the container the whole host", "allow_privileged", takes_value=False),
    _mapped("publish", "p"),
    _mapped("publish-all", "P", takes_value=False),
    _mapped("pull"),
    _ours("quiet", "nobody watches the pull", "q", takes_value=False),
    _mapped("read-only", takes_value=False),
    _ours("restart", "the engine and the reconciler restart servers; orchestrator.restart says how"),
    _ours("rm", "the reconciler removes containers", takes_value=False),
    _unsupported("runtime", "the engine's default runtime is used; remove it"),
    _refused("security-opt", "the fleet's own confinement stays in place", "allow_security_opt"),
    _mapped("shm-size"),
    _ours("sig-proxy", "nobody is attached", takes_value=False),
    _mapped("stop-signal"),
    _mapped("stop-timeout"),
    _unsupported("storage-opt", "it depends on the engine's storage driver; remove it"),
    _mapped("sysctl"),
    _mapped("tmpfs"),
    _ours("tty", "a terminal would garble the protocol", "t", takes_value=False),
    _mapped("ulimit"),
    _refused("use-api-socket", "it gives the container the engine, and with it the host", takes_value=False),
    _mapped("user", "u"),
    _refused("userns", _NAMESPACE, "allow_host_namespaces"),
    _refused("uts", _NAMESPACE, "allow_host_namespaces"),
    _mapped("volume", "v"),
    _unsupported("volume-driver", "make the volume with docker volume create and mount it by name"),
    _refused("volumes-from", "it opens the volumes of others"),
    _mapped("workdir", "w"),
)

PODMAN_FLAGS: tuple[Flag, ...] = (
    _unsupported("arch", "write --platform"),
    _ours("authfile", "the engine's own login is used"),
    _ours("cert-dir", "the engine's own certificates are used"),
    _refused("cgroup-conf", "it escapes the fleet's limits"),
    _refused("cgroups", "it escapes the fleet's limits"),
    _unsupported("chrootdirs", _PODMAN),
    _ours("conmon-pidfile", "the container's process is in the state of the engine"),
    _unsupported("creds", "log the host in with docker login"),
    _unsupported("decryption-key", _PODMAN),
    _unsupported("env-host", "write the variables in env", takes_value=False),
    _unsupported("env-merge", _PODMAN),
    _refused("gidmap", _NAMESPACE),
    _unsupported("group-entry", _PODMAN),
    _ours("health-log-destination", _HEALTH),
    _ours("health-max-log-count", _HEALTH),
    _ours("health-max-log-size", _HEALTH),
    _ours("health-on-failure", _HEALTH),
    _ours("health-startup-cmd", _HEALTH),
    _ours("health-startup-interval", _HEALTH),
    _ours("health-startup-retries", _HEALTH),
    _ours("health-startup-success", _HEALTH),
    _ours("health-startup-timeout", _HEALTH),
    _unsupported("hosts-file", "write --add-host"),
    _unsupported("hostuser", _PODMAN),
    _unsupported("http-proxy", "write the proxy's variables in env", takes_value=False),
    _unsupported("image-volume", _PODMAN),
    _unsupported("init-path", _PODMAN),
    _unsupported("intel-rdt-closid", _PODMAN),
    _ours("no-hostname", "the engine writes the container's own hostname only", takes_value=False),
    _unsupported("no-hosts", _PODMAN, takes_value=False),
    _unsupported("os", "write --platform"),
    _unsupported("passwd", _PODMAN, takes_value=False),
    _unsupported("passwd-entry", _PODMAN),
    _unsupported("personality", _PODMAN),
    _ours("pidfile", "the container's process is in the state of the engine"),
    _unsupported("pod", "there are no pods here; give both containers one --network"),
    _unsupported("pod-id-file", "there are no pods here; give both containers one --network"),
    _unsupported("preserve-fd", _PODMAN),
    _unsupported("preserve-fds", _PODMAN),
    _unsupported("rdt-class", _PODMAN),
    _ours("read-only-tmpfs", "a read-only server always has a writable /tmp", takes_value=False),
    _ours("replace", "the reconciler replaces containers", takes_value=False),
    _unsupported("requires", "servers start independently of each other; remove it"),
    _ours("retry", "the reconciler tries again"),
    _ours("retry-delay", "the reconciler tries again"),
    _ours("rmi", "images are kept", takes_value=False),
    _unsupported("rootfs", "write an image", takes_value=False),
    _ours("sdnotify", "the reconciler asks the server itself whether it is ready"),
    _refused("seccomp-policy", "the fleet's own confinement stays in place"),
    _unsupported("secret", "write the value in env, or a reference to it: ${file:/run/secrets/NAME}"),
    _unsupported("shm-size-systemd", _PODMAN),
    _refused("subgidname", _NAMESPACE),
    _refused("subuidname", _NAMESPACE),
    _ours("systemd", "servers do not run systemd"),
    _ours("timeout", "servers run until they are stopped"),
    _ours("tls-verify", "the engine's own setting decides", takes_value=False),
    _unsupported("tz", "write TZ in env"),
    _refused("uidmap", _NAMESPACE),
    _unsupported("umask", _PODMAN),
    _unsupported("unsetenv", "write the variable with an empty value in env"),
    _unsupported("unsetenv-all", _PODMAN, takes_value=False),
    _unsupported("variant", "write --platform"),
)

FLAGS = DOCKER_FLAGS + PODMAN_FLAGS
BY_NAME = {name: flag for flag in FLAGS for name in (flag.name, flag.alias) if name}
BY_LETTER = {flag.short: flag for flag in FLAGS if flag.short}
