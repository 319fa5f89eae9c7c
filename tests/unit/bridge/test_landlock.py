"""A session's process looks into no other one, although they all have the same user."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bridge.process.landlock import Landlock

from tests.unit.bridge.client import Bridge, Client, last, request, until

Start = Callable[..., Bridge]
# As in a container: the user stays, every capability goes.
BARE = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]

pytestmark = [
    pytest.mark.skipif(not Landlock().works, reason="this kernel has no Landlock"),
    pytest.mark.skipif(shutil.which("setpriv") is None or os.geteuid() != 0, reason="capabilities cannot be dropped"),
]


def opened(bridge: Bridge, token: str) -> Client:
    client = Client(bridge)
    reply = client.post(request("initialize", {"protocolVersion": "2025-11-25"}, 1), x_token=token)
    assert "result" in last(reply)
    client.session = reply.headers["mcp-session-id"]
    return client


def test_a_session_reads_nothing_of_another_nor_of_the_bridge_and_ends_neither(start_bridge: Start) -> None:
    bridge = start_bridge(env={**os.environ, "TOKEN": "${header:X-Token}"}, through=BARE)
    bridge.wait_healthy()
    ann, bob = opened(bridge, "ann's"), opened(bridge, "bob's")
    theirs = ann.call("whoami")
    assert theirs["token"] == "ann's"
    for pid in (theirs["pid"], bridge.process.pid):
        seen = bob.call("peek", pid=pid)
        assert set(seen.values()) == {"PermissionError"}, seen
    own = bob.call("peek", pid=bob.call("whoami")["pid"])
    assert set(own.values()) == {"seen", "sent"}
    below = bob.call("fork", seconds=30)["pid"]
    assert set(bob.call("peek", pid=below).values()) == {"seen", "sent"}
    assert set(ann.call("peek", pid=below).values()) == {"PermissionError"}


def test_a_server_moves_and_links_files_as_without_it(start_bridge: Start, tmp_path: Path) -> None:
    bridge = start_bridge(through=BARE)
    client = Client(bridge)
    client.open()
    assert client.call("move", path=str(tmp_path)) == "moved"
    assert not [line for line in bridge.log if "Landlock" in line]


def test_the_bridge_itself_stays_outside_and_ends_its_children(start_bridge: Start) -> None:
    bridge = start_bridge(through=BARE)
    for _ in range(20):  # more than the layers that domains could have
        client = Client(bridge)
        client.open()
        client.delete()
    client = Client(bridge)
    client.open()
    client.call("fork", seconds=300, detached=True)
    below = bridge.descendants()
    assert bridge.stop() == 0
    # Who was killed is in /proc until its new parent has taken note of it.
    until(lambda: not [pid for pid in below if os.path.exists(f"/proc/{pid}")])


def test_where_a_command_cannot_be_started_the_reason_is_the_same(start_bridge: Start) -> None:
    bridge = start_bridge(command=["/does/not/exist"], through=BARE)
    reply = Client(bridge).post(request("initialize", {"protocolVersion": "2025-06-18"}, 1))
    assert "/does/not/exist cannot be started: No such file or directory" in last(reply)["error"]["message"]
