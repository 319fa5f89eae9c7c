"""Where a request comes from, as the browser says it.

The servers share the page's origin: what one of them serves to a browser may ask for the page as the page itself does.
So the same origin is not enough. A page with a form is given to a person who goes there, never to a script, as Fetch
Metadata tells (https://www.w3.org/TR/fetch-metadata/), and what a script asks for bears the page's token. Nor is it
given to a service worker, which sees what the browser asks for and gets, and which a server may install for the whole
site (https://www.w3.org/TR/service-workers/#service-worker-allowed). And no page keeps hold of a window that it opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
OPENER_HEADER = "Cross-Origin-Opener-Policy"
# Under same-origin a page that says the same keeps hold of the window, under noopener-allow-popups none does
# (https://html.spec.whatwg.org/multipage/browsers.html#coop-noopener-allow-popups). A browser that does not know the
# value has no policy at all; since when they do: http/headers/Cross-Origin-Opener-Policy.json of
# https://github.com/mdn/browser-compat-data.
_OPENS_FOR_NONE, _OPENS_FOR_SAME = "noopener-allow-popups", "same-origin"
_SINCE = (
    (re.compile(r"Chrome/(\d+)\.(\d+)"), (131, 0)),
    (re.compile(r" Version/(\d+)\.(\d+).* Safari/"), (18, 4)),
)


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether a person goes there, or no browser says that it is otherwise; ``headers`` by names in small letters."""
    return headers.get("sec-fetch-dest", "document") == "document"


def is_through_worker(headers: Mapping[str, str]) -> bool:
    """Whether a service worker asks in place of the person who goes there, or with them."""
    # What is loaded while it starts: https://www.w3.org/TR/service-workers/#handle-fetch. What it asks for itself has
    # the mode of what it has got, and no destination.
    if "service-worker-navigation-preload" in headers:
        return True
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "empty"


def opener_policy(agent: str) -> str:
    """The policy under which no other page keeps hold of a window of this browser, whose User-Agent is ``agent``."""
    for form, since in _SINCE:
        if found := form.search(agent):
            return _OPENS_FOR_NONE if (int(found[1]), int(found[2])) >= since else _OPENS_FOR_SAME
    return _OPENS_FOR_SAME


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
