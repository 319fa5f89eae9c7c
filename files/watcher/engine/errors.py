"""What can go wrong with the engine."""

from __future__ import annotations


class EngineError(Exception):
    """The engine did not do what it was asked for; the message says what and why."""


class EngineUnreachable(EngineError):
    """No engine answers at the socket, or it ended its answer early. It may come back."""


class Refused(EngineError):
    """The engine answered with an error: ``status`` is that of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
