"""A world around a fleet, of network namespaces on this machine: a machine of the internet and a cloud's metadata."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import HostFirewall
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import HostNetwork

METADATA = "169.254.169.254"
LINK_LOCAL = "169.254.77.7"
# Some programs of this machine may listen on 80; nobody listens here.
PORT = 8099
# Says who came, and nothing else.
LISTENER = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.create_server((sys.argv[1], int(sys.argv[2])), family=family, backlog=50)
print("ready", flush=True)
while True:
    client, _address = server.accept()
    client.close()
"""


@dataclass
class Around:
    """``here`` is an address of this host, ``outside`` one of the internet. Names are for lists of hosts."""

    namespace: str
    here: str
    outside: str
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def reaches(self, target: str) -> bool:
        """Whether the machine outside can connect to ``target``, host:port."""
        host, _colon, port = target.rpartition(":")
        script = f"import socket; socket.create_connection(({host!r}, {port}), 3).close()"
        command = ["ip", "netns", "exec", self.namespace, sys.executable, "-c", script]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def around() -> Iterator[Around]:
    """The outside with its listeners; removed with the context."""
    number = os.getpid() % 30 * 8
    namespace, link = f"mcp-around-{os.getpid()}", f"mcpw{os.getpid()}"[:15]
    # Addresses of the internet that nobody uses any more (RFC 7526).
    here, outside = f"192.88.99.{number + 1}", f"192.88.99.{number + 2}"
    inside = ["ip", "-n", namespace]
    for words in (
        ["ip", "netns", "add", namespace],
        ["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace],
        ["ip", "addr", "add", f"{here}/29", "dev", link],
        ["ip", "link", "set", link, "up"],
        [*inside, "link", "set", "lo", "up"],
        [*inside, "addr", "add", f"{outside}/29", "dev", "eth0"],
        *([*inside, "addr", "add", f"{each}/32", "dev", "eth0"] for each in (METADATA, LINK_LOCAL)),
        [*inside, "link", "set", "eth0", "up"],
        [*inside, "route", "add", "default", "via", here],
        *(["ip", "route", "add", f"{each}/32", "via", outside, "dev", link] for each in (METADATA, LINK_LOCAL)),
    ):
        subprocess.run(words, check=True)
    try:
        with listener("0.0.0.0", PORT, namespace), listener("0.0.0.0", 53, namespace):
            yield Around(namespace, here, outside)
    finally:
        subprocess.run(["ip", "link", "del", link], check=False)
        subprocess.run(["ip", "netns", "del", namespace], check=False)


@contextmanager
def listener(address: str, port: int, namespace: str = "") -> Iterator[None]:
    """Something of ours that takes connections, on this host or in a namespace."""
    command = ["ip", "netns", "exec", namespace] if namespace else []
    command += [sys.executable, "-c", LISTENER, address, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.kill()


class Filter(HostFirewall):
    """This machine's packet filter, with a resolver that only the test knows."""

    def __init__(self, directory: str, resolvers: tuple[str, ...] = ()) -> None:
        super().__init__(local=True, directory=directory)
        self.resolvers = resolvers

    def host_network(self) -> HostNetwork:
        found = super().host_network()
        return replace(found, resolvers=(*found.resolvers, *self.resolvers))
