"""The bridge's own handshake with a child that does not answer."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from bridge.upstream.handshake import perform_handshake
from bridge.upstream.rpc_client import Lost, NoAnswer, RpcClient, Silent


class Mute:
    """A child that reads what it is asked, and ends when the test says so."""

    lost: str | None = None
    on_message: Callable[[Any], None]
    on_lost: Callable[[str], None]

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def send(self, message: bytes) -> bool:
        self.asked.append(message)
        return True


@pytest.mark.parametrize("ends", [Silent, Lost])
def test_a_child_that_ends_before_it_answers_is_told_of_once(ends: type[NoAnswer]) -> None:
    told: list[dict[str, Any]] = []

    async def shake() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
        child = Mute()
        task = asyncio.create_task(perform_handshake(RpcClient(child), 0.2))  # type: ignore[arg-type]
        if ends is Lost:
            while len(child.asked) < 2:  # server/discover and initialize
                await asyncio.sleep(0.001)
            child.on_lost("it exited")
        with pytest.raises(ends):
            await task
        child.on_lost("it exited")

    asyncio.run(shake())
    gc.collect()
    assert told == []
