"""Calls that stand alone, each with a process of its own: how many there may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from bridge.limits import Limits
from bridge.log import Log
from bridge.protocol.message import Message
from bridge.services import Services
from bridge.upstream.forwarded_call import ForwardedCall
from bridge.upstream.per_call import PerCall
from bridge.upstream.rest import Rest
from bridge.upstream.upstreams import Upstreams


class Process:
    """A child that reads and says nothing."""

    on_message: Callable[[Message], None]
    on_lost: Callable[[str], None]

    def send(self, line: bytes) -> bool:
        return True


class Launcher:
    """Starts such children, for which there is room without end."""

    personal = True

    def start(self, tag: str, headers: object) -> Process:
        return Process()

    def fits(self) -> tuple[int | None, str]:
        return None, "memory"


@dataclass
class Call:
    ident: str
    line: bytes = b"{}"
    failures: list[str] = field(default_factory=list)

    def sent(self) -> None:
        pass

    def fail(self, why: str) -> None:
        self.failures.append(why)


def test_calls_that_waited_together_get_no_more_processes_than_there_may_be() -> None:
    services = Services(cast("Any", None), Log("error"), Limits(sessions=2), cast("Any", None), cast("Any", None))
    upstreams = Upstreams(services, cast("Any", Launcher()), Rest(Limits(), "x"), "per_session", lambda _: None)
    backends = [upstreams.alone({}) for _ in range(4)]  # before any of them begins, all have a place
    calls = [Call(str(number)) for number in range(4)]
    for backend, call in zip(backends, calls, strict=True):
        assert isinstance(backend, PerCall)
        backend.call(cast("ForwardedCall", call))
    assert [len(call.failures) for call in calls] == [0, 0, 1, 1]
    assert "there are 2 calls, each with a process of its own" in calls[2].failures[0]
