"""Which part of the bridge serves a path, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.protocol import message as messages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bridge.log import Log

    from .cors import Cors
    from .origin_check import OriginCheck
    from .request import Request

_NOTHING_HERE = b'{"error":"nothing is served at this path"}'


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Route:
    """Who serves a path.

    `admits`: says how many bytes of a body are worth reading, judged by the head alone; without it none are.
    `checked`: only requests that pass the check of their origin are served. `bare`: it does something even for requests
    with nothing but a URL, such as a page can make without saying that it is one. `vital`: it looks after the server,
    and is answered however full the bridge is.
    """

    serve: Callable[[Request], None]
    admits: Callable[[Request], int] | None = None
    checked: bool = True
    bare: bool = False
    vital: bool = False


class Router:
    """Finds the route of each request. `routes`: by path, as in a URL."""

    def __init__(self, routes: Mapping[bytes, Route], origin_check: OriginCheck, cors: Cors, log: Log) -> None:
        self.common = cors.lines
        self._origin_check = origin_check
        self._cors = cors
        self._log = log
        self._serve = {path: self._checked(route) if route.checked else route.serve for path, route in routes.items()}
        self._admits = {path: route.admits for path, route in routes.items() if route.admits is not None}
        self._vital = frozenset(path for path, route in routes.items() if route.vital)

    def admits(self, request: Request) -> int:
        """Returns how many bytes of a body are worth reading, judged by the head alone; 0 where `serve` needs none."""
        admits = self._admits.get(request.path)
        if admits is None or self._origin_check.refuses(request) is not None:
            return 0
        try:
            return admits(request)
        except Exception as error:  # nor would the request be served
            self._log.failure("the head of a request could not be checked", error)
            return 0

    def is_vital(self, request: Request) -> bool:
        """Says whether it is answered however full the bridge is."""
        return request.path in self._vital

    def serve(self, request: Request) -> None:
        """Answers the request, now or later."""
        serve = self._serve.get(request.path)
        if serve is None:
            nothing_here(request)
            return
        try:
            serve(request)
        except Exception as error:
            self._log.failure("a request could not be served", error)
            if request.streaming:
                request.abort()
            else:
                why = "internal error of the bridge; its log says where"
                request.respond(500, messages.error(None, messages.INTERNAL_ERROR, why))

    def _checked(self, route: Route) -> Callable[[Request], None]:
        """Serves those whose origin is allowed."""

        def checked(request: Request) -> None:
            if self._cors.preflight(request):
                return
            refusal = None
            if not request.wanted:  # what has a body was let pass by its head
                origin_check = self._origin_check
                refusal = origin_check.refuses(request) or (origin_check.refuses_bare(request) if route.bare else None)
            if refusal is None:
                route.serve(request)
            else:
                request.respond(403, messages.error(None, messages.INVALID_REQUEST, refusal))

        return checked


def nothing_here(request: Request) -> None:
    """Answers that the path is not served."""
    request.respond(404, _NOTHING_HERE)
