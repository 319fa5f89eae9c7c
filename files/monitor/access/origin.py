"""Where a request comes from, as the browser says it.

The servers share the page's origin: what one of them serves to a browser may ask for the page as the page itself does.
So the same origin is not enough. A page with a form is given to a person who goes there, never to a script, as Fetch
Metadata tells (https://www.w3.org/TR/fetch-metadata/), and what a script asks for bears the page's token.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether a person goes there, or no browser says that it is otherwise; ``headers`` by names in small letters."""
    return headers.get("sec-fetch-dest", "document") == "document"


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that one of the monitor's own pages sends this form.

    The scheme is not compared: where TLS ends at the balancer, nobody here knows it for certain.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return False
    if site not in (None, "same-origin"):
        return False
    return origin is None or _is_host(origin, headers.get("host", ""))


def _is_host(origin: str, host: str) -> bool:
    try:
        came, here = urlsplit(origin), urlsplit(f"//{host}")
        default = _DEFAULT_PORTS[came.scheme]
        ports = (came.port or default, here.port or default)
    except (ValueError, KeyError):
        return False
    return bool(came.hostname) and came.hostname == here.hostname and ports[0] == ports[1]
