"""What connections ask of whoever answers their requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .request import Request


class RequestHandler(Protocol):
    """What answers requests."""

    def admits(self, request: Request) -> int:
        """Returns how many bytes of a body are worth reading, judged by the head of `request` alone; 0 where the answer
        does not depend on any."""

    def is_vital(self, request: Request) -> bool:
        """Says whether it must be answered however little room there is."""

    def serve(self, request: Request) -> None:
        """Answers the request, now or later."""

    def common(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Returns the header lines that the answer to a request with `headers` bears in any case."""
