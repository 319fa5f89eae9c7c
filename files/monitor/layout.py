"""What all pages have in common: the frame, the navigation, the policy that a browser keeps to."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup
from records.sample import FULL

from monitor.assets import integrity, static_url
from monitor.web import Answer, Request

NAVIGATION = (
    ("Overview", "/"),
    ("Logs", "/logs"),
    ("Calls", "/calls"),
    ("Runs", "/runs"),
    ("Routes", "/routes"),
    ("Resources", "/resources"),
    ("Verified", "/verified"),
    ("Connect", "/connect"),
    ("Audit", "/audit"),
)
"""The title and the path of each entry; one without a page has no entry."""

REFRESH_SECONDS = 60
LIVE_SECONDS = FULL.step
"""Between two samples: a page that shows what is used has nothing new before."""

# In the page itself, since a service worker may keep back what is loaded. Once it is gone the page is another one.
GUARD = Markup("""(() => {
  const workers = navigator.serviceWorker;
  const leave = async () => {
    if (!workers.controller) return;
    document.documentElement.hidden = true;
    const ours = (await workers.getRegistrations()).filter((each) => location.href.startsWith(each.scope));
    await Promise.all(ours.map((each) => each.unregister()));
    location.replace(location.href);
  };
  if (workers) { workers.addEventListener("controllerchange", leave); leave(); }
})();""")

_ICON_COLOURS = {"ok": "#2c9c5e", "warning": "#cf8a1d", "critical": "#d64a3f", "none": "#8b929a"}

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("monitor", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def render(template: str, request: Request, *, severity: str = "none", status: int = 200, **values: Any) -> Answer:
    """The page that a template makes of the values.

    Every template also has ``request``, ``base``, ``static(name)`` for the URL of a file of the monitor's own, and
    ``refresh``, the seconds after which it is renewed (``live`` those with JavaScript, where they are others).
    ``severity`` colours the tab's icon; ``own_notices`` names those that the page tells itself.
    """
    html = _templates.get_template(template).render(
        {
            "request": request,
            "base": request.base,
            "nonce": request.nonce,
            "navigation": [_entry(title, path, request) for title, path in NAVIGATION],
            "icon": _icon(severity),
            "refresh": REFRESH_SECONDS,
            "live": None,
            "own_notices": (),
            "actions": (),
            "static": lambda name: static_url(request.base, name),
            "integrity": integrity,
            "guard": GUARD,
            **values,
        }
    )
    return Answer(html, status, headers={"Content-Security-Policy": _policy(request.nonce)})


def fragment(template: str, **values: Any) -> Markup:
    """A part of a page, which its template puts in as it is."""
    return Markup(_templates.get_template(template).render(values))  # noqa: S704 - the template has escaped it


def refusal(request: Request, status: int, headline: str, text: str) -> Answer:
    """The page for what is not done or not there."""
    return render("refusal.html", request, severity="warning", status=status, headline=headline, text=text)


def _entry(title: str, path: str, request: Request) -> tuple[str, str, bool]:
    """The title, the URL, and whether the page asked for is it or below it."""
    here = request.path == path or (path != "/" and request.path.startswith(f"{path}/"))
    return title, f"{request.base}{path}", here


def _policy(nonce: str) -> str:
    """Scripts and styles are the monitor's own files alone. Servers share its origin, so that 'self' would admit theirs
    (https://www.w3.org/TR/CSP3/#framework-directive-source-list)."""
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _icon(severity: str) -> str:
    circle = f'<circle cx="8" cy="8" r="6" fill="{_ICON_COLOURS[severity]}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{circle}</svg>'
    return f"data:image/svg+xml,{quote(svg)}"
