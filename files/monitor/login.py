"""Where clients of servers behind tokens log in, for clients that have none.

The balancer sends here what has no token: such a request is told where the server's protected resource metadata is
(RFC 9728, section 5.1), and the metadata names the issuer. ``resource`` is the address that was asked, since clients
compare it with what their user has typed, some to the letter. Nobody needs to sign in for that, and any page may read
it: it is the same for everybody.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from monitor.sources import Sources
from monitor.web import Answer, Request

log = logging.getLogger("monitor")

VERSION = 1
LARGEST_FILE = 1024 * 1024
WELL_KNOWN = "/.well-known/oauth-protected-resource"
SERVERS = "/mcp"
PATHS = (WELL_KNOWN, f"{WELL_KNOWN}/<rest:path>", SERVERS, f"{SERVERS}/<rest:path>")

_AUTHORITY = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_LOOPBACK = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_PLAIN = "text/plain; charset=utf-8"
_MAX_AGE = "600"
# Metadata is for everybody's eyes (https://fetch.spec.whatwg.org/#http-cors-protocol).
_PUBLIC = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_NONE = Answer("There is no such server.\n", 404, _PLAIN)


@dataclass(frozen=True)
class Login:
    """What files/login.schema.json describes: the issuer, the scopes that clients ask it for, the servers that want its
    tokens, and whose pages may call them."""

    issuer: str = ""
    scopes: tuple[str, ...] = ()
    servers: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may call servers; the bridge decides alike."""
        return origin.lower() in self.origins or _LOOPBACK.fullmatch(origin.lower()) is not None


def page(request: Request, sources: Sources) -> Answer:
    """Answers a client that has no token, or asks for metadata. ``request.path`` is the whole path."""
    login = read_login(sources.directory / "login.json")
    if request.path == WELL_KNOWN or request.path.startswith(f"{WELL_KNOWN}/"):
        return _metadata(request, login)
    return _challenge(request, login)


def read_login(path: Path) -> Login:
    """What the file says; nobody logs in where it is missing or not ours."""
    try:
        found = path.stat()
    except OSError:
        return Login()
    return _kept(path, found.st_ino, found.st_mtime_ns)


@lru_cache(maxsize=1)
def _kept(path: Path, _inode: int, _changed: int) -> Login:
    """The file, which is read once, and complained about once."""
    try:
        with path.open("rb") as file:
            return _login(json.loads(file.read(LARGEST_FILE)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning("%s cannot be read, so nobody is told where to log in: %s", path, error)
        return Login()


def _login(found: Any) -> Login:
    if found["version"] != VERSION:
        raise ValueError("another release wrote it")
    origins = frozenset(origin.rstrip("/").lower() for origin in found["origins"])
    servers = frozenset(found["servers"] if found["issuer"] else ())
    return Login(found["issuer"] or "", tuple(found["scopes"]), servers, origins)


def _metadata(request: Request, login: Login) -> Answer:
    if request.method == "OPTIONS":
        return _preflight(request, "*", "GET")
    if request.method not in ("GET", "HEAD"):
        return Answer("Ask with GET.\n", 405, _PLAIN, {"Allow": "GET, HEAD, OPTIONS"})
    origin, path = _origin(request), request.path.removeprefix(WELL_KNOWN)
    if origin is None:
        return _without_host()
    # Without a path it is that of the balancer as a whole, which some clients ask for last.
    if not login.servers or (path and _server(path) not in login.servers):
        return _NONE
    document = {
        "resource": f"{origin}{_quoted(path)}",
        "authorization_servers": [login.issuer],
        "bearer_methods_supported": ["header"],
        **({"scopes_supported": login.scopes} if login.scopes else {}),
    }
    return Answer(json.dumps(document), content_type="application/json", headers=_PUBLIC)


def _challenge(request: Request, login: Login) -> Answer:
    page_origin = request.headers.get("origin", "")
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        # It never bears a token, so the balancer asks nobody else whether the page may call the server.
        if not login.allows(page_origin):
            return Answer("Pages of this origin may not call servers here.\n", 403, _PLAIN)
        return _preflight(request, page_origin, "GET, POST, DELETE")
    origin = _origin(request)
    if origin is None:
        return _without_host()
    if _server(request.path) not in login.servers:
        return _NONE
    told = f'Bearer resource_metadata="{origin}{WELL_KNOWN}{_quoted(request.path)}"'
    if login.scopes:
        told += f', scope="{" ".join(login.scopes)}"'
    headers = {"WWW-Authenticate": told, "Vary": "Origin"}
    if page_origin and login.allows(page_origin):
        headers |= {
            "Access-Control-Allow-Origin": page_origin,
            "Access-Control-Expose-Headers": "WWW-Authenticate",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
    return Answer("This server wants a token. WWW-Authenticate says where to get one.\n", 401, _PLAIN, headers)


def _preflight(request: Request, page_origin: str, methods: str) -> Answer:
    asked = (name.strip() for name in request.headers.get("access-control-request-headers", "").split(","))
    headers = {
        "Access-Control-Allow-Origin": page_origin,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ", ".join(name for name in asked if _HEADER.fullmatch(name)),
        "Access-Control-Max-Age": _MAX_AGE,
        "Vary": "Origin, Access-Control-Request-Headers",
    }
    return Answer("", 204, _PLAIN, headers)


def _origin(request: Request) -> str | None:
    """Where the client believes to be: the name that it has called, and how the balancer says it came."""
    host = request.headers.get("host", "").lower()
    scheme = "https" if request.headers.get("x-forwarded-proto", "").lower() == "https" else "http"
    return f"{scheme}://{host}" if _AUTHORITY.fullmatch(host) else None


def _without_host() -> Answer:
    return Answer("The request does not name a host.\n", 400, _PLAIN)


def _server(path: str) -> str:
    """The server below whose address a path is; empty for any other."""
    first, _, rest = path.removeprefix("/").partition("/")
    return rest.partition("/")[0] if f"/{first}" == SERVERS else ""


def _quoted(path: str) -> str:
    """A path as it stands in an address; the letters that servers' paths hold stay as they are."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/:+@=._-")
