"""The monitor's pages."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import bottle

from monitor.auth import BasicAuth
from monitor.client import Balancer, client_of
from monitor.page import CONTENT_SECURITY_POLICY, render_fault, render_state
from monitor.state import StateMissing, StateUnreadable, client_config, parse_state, read_bytes

log = logging.getLogger("monitor")

HEADERS = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Cache-Control", "no-store"),
]

_SAID = {
    401: "Sign in to see the monitor.",
    404: "There is no such page.",
    405: "The monitor only answers GET.",
    429: "Too many wrong passwords. Wait a minute.",
    500: "The monitor broke. Its log says more: journalctl -u mcp-monitor",
}

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def monitor_app(state_file: Path, path: str, auth: BasicAuth, balancer: Balancer) -> WsgiApp:
    """The WSGI application that serves the state file at ``path``; ``path``/health needs no password.

    Clients are told apart by what ``balancer`` says of them, and by their address where they come without it.
    """
    base = path.rstrip("/")
    app = bottle.Bottle()
    app.default_error_handler = _plain_error

    def page() -> str:
        try:
            return render_state(parse_state(read_bytes(state_file)), datetime.now(UTC), base)
        except StateMissing:
            return render_fault("missing", f"{state_file}", base)
        except StateUnreadable as error:
            return render_fault("unreadable", str(error), base)

    def state_json() -> Any:
        try:
            content = read_bytes(state_file)
            parse_state(content)
        except StateUnreadable as error:
            return _no_state(error)
        return bottle.HTTPResponse(content, headers={"Content-Type": "application/json"})

    def mcp_json() -> Any:
        try:
            state = parse_state(read_bytes(state_file))
        except StateUnreadable as error:
            return _no_state(error)
        content = json.dumps(client_config(state), indent=2, ensure_ascii=False) + "\n"
        headers = {"Content-Type": "application/json", "Content-Disposition": 'attachment; filename="mcp.json"'}
        return bottle.HTTPResponse(content.encode(), headers=headers)

    def health() -> dict[str, str]:
        return {"status": "ok"}

    guarded = partial(_guarded, auth, balancer)
    for address in {base or "/", f"{base}/"}:
        app.route(address, callback=guarded(page))
    app.route(f"{base}/state.json", callback=guarded(state_json))
    app.route(f"{base}/mcp.json", callback=guarded(mcp_json))
    app.route(f"{base}/health", callback=health)
    return _with_headers(app)


def _no_state(error: StateUnreadable) -> Any:
    status = 404 if isinstance(error, StateMissing) else 503
    body = json.dumps({"error": str(error)})
    return bottle.HTTPResponse(body, status=status, headers={"Content-Type": "application/json"})


def _guarded(auth: BasicAuth, balancer: Balancer, callback: Callable[[], Any]) -> Callable[[], Any]:
    def checked() -> Any:
        authorization = bottle.request.headers.get("Authorization")
        client = client_of(bottle.request.environ, balancer) if authorization is not None else ""
        result = auth.check(authorization, client)
        if result.admitted:
            log.debug("%s asks for %s", client, bottle.request.path)
            return callback()
        if authorization is not None:
            log.warning("refused a login from %s (%d)", client, result.status)
        if result.status == 429:
            raise bottle.HTTPError(429, headers={"Retry-After": str(result.retry_after)})
        raise bottle.HTTPError(401, headers={"WWW-Authenticate": 'Basic realm="MCP monitor", charset="UTF-8"'})

    return checked


def _plain_error(error: Any) -> str:
    bottle.response.content_type = "text/plain; charset=utf-8"
    return f"{_SAID.get(error.status_code, error.status_line)}\n"


def _with_headers(app: WsgiApp) -> WsgiApp:
    """The same application with the security headers on every answer, errors included."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [*headers, *HEADERS], exc_info)

        return app(environ, start)

    return wrapped
