# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where servers, router and monitor listen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings, read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing import host_address
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.exposure import Exposure, exposure_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.host_address import ThisHost

AWS = "[aws]\nalb_name = shared\n"
ROUTER = "[routes]\ntopology = node-router\n"
PUBLISH = "[service]\npublish_address = "
PRIVATE, SECOND = "10.0.1.7", "10.0.1.8"


def settings_of(folder: Path, text: str) -> Settings:
    """What a settings.conf with this text says."""
    path = folder / "settings.conf"
    path.write_text(text)
    return read_settings(str(path))


class Instance:
    """A host with two private addresses."""

    def __init__(self, source: str | None = PRIVATE) -> None:
        self.source = source

    def default_source(self) -> str | None:
        return self.source

    def has(self, address: str) -> bool:
        return address in (PRIVATE, SECOND, "127.0.0.1")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", Exposure("local", "127.0.0.1", "127.0.0.1", "127.0.0.1")),
        (ROUTER, Exposure("local", "127.0.0.1", "127.0.0.1", "127.0.0.1")),
        (AWS, Exposure("aws", PRIVATE, PRIVATE, PRIVATE)),
        # The balancer in front asks the monitor and the router; only the router asks the servers.
        (AWS + ROUTER, Exposure("aws", "127.0.0.1", PRIVATE, PRIVATE)),
        (AWS + "target_type = ip\n", Exposure("aws", PRIVATE, PRIVATE, PRIVATE)),
        (AWS + f"target_type = ip\ntarget_address = {SECOND}\n", Exposure("aws", SECOND, SECOND, SECOND)),
        # An address that another machine translates is registered, and cannot be bound.
        (AWS + "target_type = ip\ntarget_address = 172.16.0.1\n", Exposure("aws", PRIVATE, PRIVATE, PRIVATE)),
        (PUBLISH + "0.0.0.0\n" + AWS, Exposure("aws", "0.0.0.0", "0.0.0.0", "0.0.0.0")),
        (PUBLISH + "10.9.9.9\n" + AWS + ROUTER, Exposure("aws", "127.0.0.1", "10.9.9.9", "10.9.9.9")),
        (PUBLISH + "10.9.9.9\n", Exposure("local", "10.9.9.9", "10.9.9.9", "10.9.9.9")),
    ],
)
def test_each_listens_where_the_balancer_in_front_of_it_reaches_it(
    tmp_path: Path, settings: str, expected: Exposure
) -> None:
    assert exposure_of(settings_of(tmp_path, settings), Instance()) == expected


def test_an_address_that_cannot_be_known_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"^settings\.conf: \[service\] publish_address: .* set it to that"):
        exposure_of(settings_of(tmp_path, AWS), Instance(None), "/etc/settings.conf")


def test_a_host_knows_its_own_addresses() -> None:
    assert ThisHost().has("127.0.0.1")
    assert not ThisHost().has("198.51.100.77")


@pytest.mark.parametrize("source", ["127.0.0.1", "169.254.7.7"])
def test_a_source_that_nobody_else_reaches_is_none(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    class Socket:
        def __init__(self, *_kind: object) -> None: ...

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_error: object) -> None: ...

        def connect(self, _address: object) -> None: ...

        def getsockname(self) -> tuple[str, int]:
            return source, 1

    monkeypatch.setattr(host_address.socket, "socket", Socket)
    assert ThisHost().default_source() is None


def test_the_source_of_the_default_route_is_the_host_s_address() -> None:
    """In a network namespace of its own: no route, then one with two addresses of which the second is the source."""
    script = """
import subprocess, sys
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.host_address import ThisHost
def ip(*words): subprocess.run(["ip", *words], check=True)
ip("link", "set", "lo", "up")
print(ThisHost().default_source())
ip("link", "add", "eth7", "type", "veth", "peer", "name", "eth8")
ip("addr", "add", "10.7.0.1/24", "dev", "eth7")
ip("addr", "add", "10.7.0.2/24", "dev", "eth7")
for each in ("eth7", "eth8"): ip("link", "set", each, "up")
ip("route", "add", "default", "via", "10.7.0.254", "src", "10.7.0.2")
print(ThisHost().default_source())
"""
    namespace = ["unshare", "--net", sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(namespace, capture_output=True, text=True, timeout=30, check=False, env=environment)
    if "Operation not permitted" in done.stderr or "ip: not found" in done.stderr:
        pytest.skip("no network namespaces here")
    assert done.stdout.split() == ["None", "10.7.0.2"], done.stderr
