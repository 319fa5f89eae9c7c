"""What can go wrong with whom the watcher asks: the engine, or a cluster's API server."""

from __future__ import annotations


class PeerError(Exception):
    """It did not do what it was asked for; the message says what and why."""


class Unreachable(PeerError):
    """Nobody answers, or the answer ended early. It may come back."""


class Refused(PeerError):
    """The answer is an error: ``status`` is that of HTTP, ``later`` in how many seconds it wants to be asked again, 0
    where it does not say."""

    def __init__(self, status: int, message: str, later: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.later = later
