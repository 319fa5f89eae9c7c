"""Who calls: a program by its token (RFC 6750), or a user of the page by name and password (RFC 7617)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from monitor.access.auth import BasicAuth
from monitor.access.origin import is_through_worker
from monitor.access.refusals import ACTION
from monitor.access.refusals import LOGIN as LOGIN_KIND
from monitor.access.tokens import Tokens, TokensUnusable
from monitor.access.users import User
from monitor.api.problem import BROWSER, LOGIN, TOO_MANY, UNAVAILABLE, Note, Problem
from monitor.api.rate import RateLimit
from monitor.web import Request

log = logging.getLogger("monitor")

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="MCP orchestrator", Basic realm="MCP monitor", charset="UTF-8"'}
_WRONG_TOKENS = (10, 10 / 60)
"""How often one client may show a token that is none: it would flood the audit list."""
_BAD_TOKEN = {"WWW-Authenticate": 'Bearer realm="MCP orchestrator", error="invalid_token"'}


class Login:
    """Admits those who have a token or a password, each as often as the limit lets them."""

    def __init__(self, users: BasicAuth, tokens: Tokens, limit: RateLimit) -> None:
        self._users = users
        self._tokens = tokens
        self._limit = limit
        self._wrong = RateLimit(*_WRONG_TOKENS)

    def user(self, request: Request) -> User:
        """Who it is; raises Problem."""
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            user = self._of_token(shown.strip(), request)
        elif scheme.lower() == "basic":
            user = self._of_password(request)
        else:
            raise Problem(
                LOGIN,
                "Send a token: 'Authorization: Bearer mcpt_…'. On the host, make token NAME=… SCOPE=view makes one;"
                " a user of the page may send name and password instead",
                headers=_CHALLENGE,
            )
        wait = self._limit.wait_of(user.name)
        if wait:
            raise Problem(
                TOO_MANY, f"{user.name} asks too often; try again in {wait} s", headers={"Retry-After": str(wait)}
            )
        return user

    def _of_token(self, shown: str, request: Request) -> User:
        try:
            token = self._tokens.of(shown)
        except TokensUnusable as error:
            log.error("no token admits anybody: %s", error)
            raise Problem(UNAVAILABLE, "The file of tokens cannot be read; the monitor's log says why") from None
        if token is not None and not token.has_expired(request.now):
            return token.user
        wait = self._wrong.wait_of(request.client)
        if wait:
            raise Problem(TOO_MANY, "Too many tokens that are none; wait", headers={"Retry-After": str(wait)})
        if token is None:
            raise Problem(
                LOGIN,
                "There is no such token; it may have been removed",
                headers=_BAD_TOKEN,
                note=Note(LOGIN_KIND, None),
            )
        text = f"The token {token.name} has expired; remove it, and make another (make token)"
        raise Problem(LOGIN, text, headers=_BAD_TOKEN, note=Note(LOGIN_KIND, token.user.name))

    def _of_password(self, request: Request) -> User:
        if is_script(request.headers):
            raise Problem(
                BROWSER,
                "A browser sends a password by itself, also for a script of another server at this address;"
                " send a token from a script",
                note=Note(ACTION, None),
            )
        result = self._users.check(request.headers.get("authorization"), request.client)
        if result.user is not None:
            return result.user
        if result.status == 429:
            wait = {"Retry-After": str(result.retry_after)}
            raise Problem(TOO_MANY, "Too many wrong passwords; wait a minute", headers=wait)
        raise Problem(LOGIN, "Name or password is wrong", headers=_CHALLENGE, note=Note(LOGIN_KIND, result.tried))


def is_script(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a page asks, and not a person who has typed the address; ``headers`` by small names.

    https://www.w3.org/TR/fetch-metadata/
    """
    return "origin" in headers or headers.get("sec-fetch-site", "none") != "none" or is_through_worker(headers)
