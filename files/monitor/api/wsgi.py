"""What programs call beside the pages in one WSGI application, and which other sites' scripts a browser lets do so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qs

import bottle

from monitor.api.problem import phrase
from monitor.api.service import PATH
from monitor.app import HEADERS, WsgiApp
from monitor.client import Balancer, client_of
from monitor.web import Answer, Request, headers_of

LARGEST_BODY = 64 * 1024
SCRAPED = ("/metrics/", "/targets/")
"""What is served below the monitor's own path too, where everybody looks for it."""
_MOST_VALUES = 100
_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-None-Match, Mcp-Method, Mcp-Name,"
    " Mcp-Protocol-Version",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = "ETag, Link, Location, Retry-After"
# What Copilot asks of a registry: https://docs.github.com/en/copilot/how-tos/administer-copilot/manage-mcp-usage/configure-mcp-registry
_PUBLIC = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_ALLOWED_OF_PUBLIC = {"Access-Control-Max-Age": "600"}


class Called(Protocol):
    """What programs call below ``path``. Where it is public, scripts of any site may read what it answers."""

    path: str
    is_public: bool

    def answer(self, request: Request, body: bytes | None = b"") -> Answer:
        """Returns the answer; a body of None is too large."""


def with_api(
    pages: WsgiApp, apis: Sequence[Called], path: str, balancer: Balancer, origins: Collection[str] = ()
) -> WsgiApp:
    """The pages, and below ``path`` what programs call. ``origins`` are those whose scripts may read its answers."""
    base = path.rstrip("/")

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        address = f"{environ.get('PATH_INFO', '')}/"
        if address.startswith(tuple(f"{base}{each}" for each in SCRAPED)):
            environ = {**environ, "PATH_INFO": f"{base}{PATH}{address.removeprefix(base)}".removesuffix("/")}
            address = f"{environ['PATH_INFO']}/"
        api = next((each for each in apis if address.startswith(f"{base}{each.path}/")), None)
        if api is None:
            return pages(environ, start_response)
        asked = bottle.BaseRequest(environ)
        shared = _PUBLIC if api.is_public else _cors(asked, origins)
        if asked.method == "OPTIONS" and shared and "Access-Control-Request-Method" in asked.headers:
            allowed = _ALLOWED_OF_PUBLIC if api.is_public else _ALLOWED
            return _send(Answer(b"", 204, headers=allowed), shared, asked.method, start_response)
        answer = _answer(api, asked, base, balancer)
        return _send(answer, shared, asked.method, start_response)

    return application


def _answer(api: Called, asked: Any, base: str, balancer: Balancer) -> Answer:
    address = str(asked.environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")
    length = max(asked.content_length, 0)
    too_large = length > LARGEST_BODY
    request = Request(
        base=base,
        path=address.removeprefix(base),
        method=asked.method,
        query=_values(asked.query_string),
        headers=headers_of(asked.environ),
        client=client_of(asked.environ, balancer),
    )
    return api.answer(request, None if too_large else asked.environ["wsgi.input"].read(length) if length else b"")


def _values(text: str) -> Mapping[str, tuple[str, ...]]:
    """The values of a query by their names; one of no name where there are too many."""
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_VALUES)
    except ValueError:
        return {"": ("",)}
    return {name: tuple(values) for name, values in found.items()}


def _cors(asked: Any, origins: Collection[str]) -> dict[str, str]:
    """What tells a browser that a script may read the answer; nothing where it may not (https://fetch.spec.whatwg.org)."""
    origin = asked.headers.get("Origin", "")
    if origin not in origins:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": _EXPOSED,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


def _send(
    answer: Answer, shared: Mapping[str, str], method: str, start_response: Callable[..., Any]
) -> Iterable[bytes]:
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    headers = {**HEADERS, "Vary": "Origin", **shared, **answer.headers}
    if answer.status not in (204, 304):
        headers["Content-Type"] = answer.content_type
    if isinstance(body, bytes) and answer.status not in (204, 304):
        headers["Content-Length"] = str(len(body))
    start_response(f"{answer.status} {phrase(answer.status)}", list(headers.items()))
    if method == "HEAD" or answer.status in (204, 304):
        return []
    return [body] if isinstance(body, bytes) else body
