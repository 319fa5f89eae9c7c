"""Bridges for tests, each with the hostile server behind it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.unit.bridge.client import Bridge, Client, start


@pytest.fixture
def start_bridge() -> Iterator[Callable[..., Bridge]]:
    """Starts bridges that end with the test."""
    started: list[Bridge] = []

    def starting(*options: str, **more: object) -> Bridge:
        bridge = start(*options, **more)  # type: ignore[arg-type]
        started.append(bridge)
        return bridge

    yield starting
    for bridge in started:
        if bridge.process.poll() is None:
            below = bridge.descendants()
            bridge.process.kill()
            bridge.process.wait()
            for pid in below:  # frozen ones would stay for ever
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def bridge() -> Iterator[Bridge]:
    """One with isolation per_session, for tests that leave it as it was."""
    bridge = start()
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0, "\n".join(bridge.log[-80:])


@pytest.fixture
def client(bridge: Bridge) -> Iterator[Client]:
    client = Client(bridge)
    client.open()
    yield client
    client.delete()
