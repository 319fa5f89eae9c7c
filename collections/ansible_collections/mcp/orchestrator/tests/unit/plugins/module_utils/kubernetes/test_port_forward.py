# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port of this host that leads to one of a pod, over the frames of the API server."""

from __future__ import annotations

import socket
from collections import deque
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.port_forward import Stream, forward

BINARY, CLOSE = 2, 8
BEGUN = (b"\x00\x40\x1f", b"\x01\x40\x1f")  # data and error, of port 8000


@dataclass
class Frame:
    data: bytes


class FakeStream:
    """A WebSocket whose frames are given beforehand, and which sends back in capitals what it gets."""

    def __init__(self, *frames: tuple[int, bytes]) -> None:
        self.sock, self._bell = socket.socketpair()
        self._frames: deque[tuple[int, bytes]] = deque()
        self.is_open = True
        for each in frames:
            self._tell(*each)

    def recv_data_frame(self, control_frame: bool = False) -> tuple[int, Frame]:
        self.sock.recv(1)
        kind, data = self._frames.popleft()
        return kind, Frame(data)

    def send_binary(self, payload: bytes) -> int:
        self._tell(BINARY, payload.upper())
        return len(payload)

    def shutdown(self) -> None:
        self.is_open = False
        self.sock.close()

    def _tell(self, kind: int, data: bytes) -> None:
        self._frames.append((kind, data))
        self._bell.send(b".")


def answer(port: int, said: bytes = b"") -> bytes:
    """What comes back of a connection before it ends, or as much as was said."""
    with socket.create_connection(("127.0.0.1", port), timeout=90) as client:
        client.sendall(said)
        found = b""
        while (not said or len(found) < len(said)) and (more := client.recv(1000)):
            found += more
    return found


def test_what_is_sent_arrives_and_so_does_the_answer() -> None:
    streams = [FakeStream(*((BINARY, each) for each in BEGUN)) for _number in range(2)]
    left = list(streams)
    with forward(left.pop) as forwarded:
        assert [answer(forwarded.port, said) for said in (b"tea", b"x" * 200_000)] == [b"TEA", b"X" * 200_000]
    assert forwarded.problem == ""


def test_what_the_node_complains_of_is_told_and_ends_the_connection() -> None:
    stream = FakeStream(*((BINARY, each) for each in BEGUN), (BINARY, b"\x01error forwarding port 8000:\n refused\n"))
    with forward(lambda: stream) as forwarded:
        assert answer(forwarded.port) == b""
        assert forwarded.problem == "its node says: error forwarding port 8000: refused"
    assert not stream.is_open


def test_a_connection_that_cannot_be_had_is_told_and_the_next_one_may_be() -> None:
    def refuse_once() -> Stream:
        if not asked:
            asked.append(1)
            raise ClusterError("cannot connect to port 8000 of pod mcp-time")
        return FakeStream(*((BINARY, each) for each in BEGUN))

    asked: list[int] = []
    with forward(refuse_once) as forwarded:
        assert answer(forwarded.port) == b""
        assert answer(forwarded.port, b"tea") == b"TEA"
    assert forwarded.problem == "cannot connect to port 8000 of pod mcp-time"


def test_a_connection_that_breaks_ends_and_nothing_else_does() -> None:
    streams = [FakeStream((CLOSE, b"")), FakeStream((BINARY, BEGUN[0]))]
    streams[1].recv_data_frame = lambda *_arguments: 1 / 0  # type: ignore[assignment, return-value]
    left = list(streams)
    with forward(left.pop) as forwarded:
        assert [answer(forwarded.port), answer(forwarded.port)] == [b"", b""]
