"""The monitor over HTTP: who may ask for which page, and what every answer bears."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import bottle

from monitor import login
from monitor.access.auth import BasicAuth
from monitor.access.origin import OPENER_HEADER, opener_policy
from monitor.access.users import NOBODY, OPERATE, VIEW, User
from monitor.assets import static_file
from monitor.client import Balancer
from monitor.compress import LEAST, compressed, takes_gzip
from monitor.gate import admitted, turned_away
from monitor.layout import refusal
from monitor.pages import (
    act,
    asked,
    audit,
    calls,
    compare,
    connect,
    files,
    log_stream,
    logs,
    overview,
    resources,
    routes,
    run,
    runs,
    server,
    verified,
)
from monitor.server import LARGEST_REQUEST
from monitor.sources import Sources
from monitor.web import Answer, Request, headers_of

Page = Callable[[Request, Sources], "Answer | None"]
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Route:
    """A page and its path below the monitor's own; without a role it needs no login.

    The page answers None where there is none.
    """

    method: str
    path: str
    role: str | None
    page: Page


def _health(_request: Request, _sources: Sources) -> Answer:
    return Answer('{"status": "ok"}', content_type="application/json")


def _nothing(_request: Request, _sources: Sources) -> None:
    return None


def _static(request: Request, _sources: Sources) -> Answer | None:
    return static_file(request)


ROUTES = (
    Route("GET", "/", VIEW, overview.page),
    Route("GET", "/servers/<name>", VIEW, server.page),
    Route("GET", "/state.json", VIEW, files.state_json),
    Route("GET", "/mcp.json", VIEW, files.mcp_json),
    Route("GET", "/logs", VIEW, logs.page),
    Route("GET", "/logs/follow", VIEW, log_stream.follow),
    Route("GET", "/logs/download", VIEW, logs.download),
    Route("GET", "/calls", VIEW, calls.page),
    Route("GET", "/runs", VIEW, runs.page),
    Route("GET", "/runs/compare", VIEW, compare.page),
    Route("GET", "/runs/<id>", VIEW, run.page),
    Route("GET", "/routes", VIEW, routes.page),
    Route("GET", "/resources", VIEW, resources.page),
    Route("GET", "/verified", VIEW, verified.page),
    Route("GET", "/connect", VIEW, connect.page),
    Route("GET", "/act/<action>", OPERATE, act.question),
    Route("POST", "/act/<action>", OPERATE, act.perform),
    Route("GET", "/requests/<id>", VIEW, asked.page),
    Route("GET", "/audit", VIEW, audit.page),
    Route("GET", "/static/<name>", None, _static),
    Route("GET", "/health", None, _health),
    Route("GET", "/<rest:path>", VIEW, _nothing),
)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer the origin of a form would be null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

_SAID = {
    400: "That is no form of this monitor.",
    401: "Sign in to see the monitor.",
    404: "There is no such page.",
    405: "The monitor does not answer that.",
    403: "Only pages of the monitor may ask for that: open the page itself.",
    429: "Too many wrong passwords. Wait a minute.",
    500: "The monitor broke. Its log says more: journalctl -u mcp-monitor",
}


def monitor_app(sources: Sources, path: str, auth: BasicAuth, balancer: Balancer) -> WsgiApp:
    """The WSGI application that serves the pages at ``path``; ``path``/health needs no password, and neither does what
    ``login`` tells beside them.

    Clients are told apart by what ``balancer`` says of them, and by their address where they come without it.
    """
    base = path.rstrip("/")
    app = bottle.Bottle()
    app.default_error_handler = _plain_error
    for route in ROUTES:
        answering = partial(_answer, route, base, sources, auth, balancer)
        for address in {f"{base}{route.path}", base or "/"} if route.path == "/" else {f"{base}{route.path}"}:
            app.route(address, method=route.method, callback=answering)
    for address in login.PATHS:
        app.route(address, method="ANY", callback=partial(_told, sources))
    return _with_headers(app)


def _answer(
    route: Route, base: str, sources: Sources, auth: BasicAuth, balancer: Balancer, **arguments: str
) -> bottle.HTTPResponse:
    user, client = admitted(auth, balancer, sources) if route.role is not None else (NOBODY, "")
    request = _request(base, arguments, user, client, auth, sources)
    answer = turned_away(route.role, request, auth, sources) or route.page(request, sources)
    if answer is None:
        answer = refusal(request, 404, "There is no such page", "It may have been there once: what is old is not kept.")
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if answer.may_be_compressed and isinstance(body, bytes) and len(body) >= LEAST:
        headers["Vary"] = "Accept-Encoding"
        if takes_gzip(request.headers.get("accept-encoding", "")):
            body, headers["Content-Encoding"] = compressed(body), "gzip"
    return bottle.HTTPResponse(body, answer.status, headers)


def _told(sources: Sources, **_arguments: str) -> bottle.HTTPResponse:
    """Answers a client without a token, whose request was none to the monitor: of its body nothing is read."""
    asked = bottle.request
    headers = headers_of(asked.environ)
    answer = login.page(Request(base="", path=asked.path, method=asked.method, headers=headers), sources)
    return bottle.HTTPResponse(answer.body, answer.status, {"Content-Type": answer.content_type, **answer.headers})


def _request(
    base: str, arguments: Mapping[str, str], user: User, client: str, auth: BasicAuth, sources: Sources
) -> Request:
    asked, now = bottle.request, datetime.now(UTC)
    return Request(
        base=base,
        path=asked.path.removeprefix(base) or "/",
        method=asked.method,
        arguments=arguments,
        query=_values(asked.query_string),
        form=_form() if asked.method == "POST" else {},
        headers=headers_of(asked.environ),
        user=user,
        client=client,
        now=now,
        token=auth.token(user),
        notices=partial(sources.notices, now) if user is not NOBODY else tuple,
    )


def _form() -> dict[str, tuple[str, ...]]:
    """What the form holds, which is small; raises bottle.HTTPError."""
    asked = bottle.request
    if asked.headers.get("Content-Type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise bottle.HTTPError(400)
    content = asked.environ["wsgi.input"].read(LARGEST_REQUEST)
    return _values(content.decode("utf-8", "replace"))


def _values(text: str) -> dict[str, tuple[str, ...]]:
    try:
        return {name: tuple(values) for name, values in parse_qs(text, max_num_fields=200).items()}
    except ValueError:
        return {}


def _plain_error(error: Any) -> str:
    bottle.response.content_type = "text/plain; charset=utf-8"
    return f"{_SAID.get(error.status_code, error.status_line)}\n"


def _with_headers(app: WsgiApp) -> WsgiApp:
    """The same application with the security headers on every answer, errors included."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            borne = {name.lower() for name, _value in headers}
            own = {**HEADERS, OPENER_HEADER: opener_policy(environ.get("HTTP_USER_AGENT", ""))}
            missing = [(name, value) for name, value in own.items() if name.lower() not in borne]
            return start_response(status, [*headers, *missing], exc_info)

        return app(environ, start)

    return wrapped
