"""Who gets through to a page: who has signed in, has its role, and comes from where they should."""

from __future__ import annotations

import logging

import bottle

from monitor.access.auth import BasicAuth
from monitor.access.origin import is_navigation, is_same_origin, is_through_worker
from monitor.access.refusals import ACTION, LOGIN
from monitor.access.users import User
from monitor.client import Balancer, client_of
from monitor.layout import refusal
from monitor.sources import Sources
from monitor.web import Answer, Request

log = logging.getLogger("monitor")

_FORM = (
    "It is older than a week, or your password is another one by now, or another site has sent it. Nothing was done."
    " Open the page anew, and try again."
)
_WORKER = (
    "It has installed a service worker in your browser, which stands between you and this page. Nothing was done. This"
    " page removes it and opens anew; where it does not, remove what the browser has stored for this site."
)


def admitted(auth: BasicAuth, balancer: Balancer, sources: Sources) -> tuple[User, str]:
    """Who has signed in, and from where; raises bottle.HTTPError."""
    authorization = bottle.request.headers.get("Authorization")
    client = client_of(bottle.request.environ, balancer) if authorization is not None else ""
    result = auth.check(authorization, client)
    if result.user is not None:
        log.debug("%s asks for %s", client, bottle.request.path)
        return result.user, client
    if authorization is not None and result.status == 401:
        sources.refusals.note(LOGIN, result.tried, client, "the password is wrong, or there is no such user")
    if result.status == 429:
        log.warning("refused a login from %s (429)", client)
        raise bottle.HTTPError(429, headers={"Retry-After": str(result.retry_after)})
    raise bottle.HTTPError(401, headers={"WWW-Authenticate": 'Basic realm="MCP monitor", charset="UTF-8"'})


def turned_away(role: str | None, request: Request, auth: BasicAuth, sources: Sources) -> Answer | None:
    """Why the user does not get there although signed in; None where they do. Raises bottle.HTTPError."""
    if role is None:
        return None
    if is_through_worker(request.headers):
        sources.refusals.note(ACTION, request.user.name, request.client, f"{request.path}: through a service worker")
        return refusal(request, 403, "Another server of this site reads along", _WORKER)
    if not request.user.may(role):
        sources.refusals.note(ACTION, request.user.name, request.client, f"{request.path}: the role does not allow it")
        text = f"You may look, and not act. On the host: make user NAME={request.user.name} ROLE=operate."
        return refusal(request, 403, "That is not yours to do", text)
    if request.method != "POST":
        # A stream of events has no header of its own; what has one leaves the token out of the logs of balancers.
        shown = request.headers.get("x-monitor-token") or request.asked("token")
        if is_navigation(request.headers) or auth.knows_token(shown, request.user):
            return None
        raise bottle.HTTPError(403)
    if is_same_origin(request.headers) and auth.knows_token(request.filled("token"), request.user):
        return None
    sources.refusals.note(ACTION, request.user.name, request.client, f"{request.path}: it came from another page")
    return refusal(request, 403, "The form does not hold", _FORM)
