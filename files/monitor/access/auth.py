"""Who may come in: HTTP basic authentication (RFC 7617) with a brake on guessing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitor.access.form_token import form_token, holds
from monitor.access.passwords import matches, nobodys
from monitor.access.users import User, Users, UsersUnusable

log = logging.getLogger("monitor")

# A client that was wrong so many times within so many seconds is refused until the oldest has passed.
MOST_FAILURES = 10
WINDOW_SECONDS = 60.0
# The memory of the brake must not grow with the number of clients that an attacker invents.
MOST_CLIENTS = 1024
# To compare a password takes a quarter of a second of a core and 16 MiB, so only one is compared at a time.
WAIT_SECONDS = 10.0
PAUSE_SECONDS = 0.02
MOST_KNOWN = 256

Compare = Callable[[str, str], bool]


@dataclass(frozen=True)
class AuthResult:
    """What becomes of a request: the HTTP status, after how many seconds to try again where that is limited, and who
    it is from where it comes in.

    ``tried`` is the name of the user whose password was wrong, where there is one of that name.
    """

    status: int
    retry_after: int = 0
    user: User | None = None
    tried: str | None = None

    @property
    def admitted(self) -> bool:
        """Whether the request comes in."""
        return self.user is not None


class BasicAuth:
    """Asks the users' passwords, and remembers who failed.

    Credentials that were right are known from then on, until the users change: a browser sends them with each request.
    ``compare`` says whether a password is the one of which something is kept.
    """

    def __init__(
        self,
        users: Users,
        compare: Compare = matches,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._users = users
        self._compare = compare
        self._clock = clock
        self._sleep = sleep
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()
        self._comparing = threading.Semaphore(1)
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, User] = OrderedDict()
        self._known_stamp: Any = None
        self._nobodys = nobodys()  # so that a name that nobody has takes as long

    def check(self, authorization: str | None, client: str) -> AuthResult:
        """Whether a request with this Authorization header, from this client, comes in."""
        if authorization is None:
            return AuthResult(401)
        if (wait := self._wait_of(client)) > 0:
            return AuthResult(429, wait)
        credentials = _credentials(authorization)
        mark = hmac.digest(self._key, credentials, hashlib.sha256)
        if (user := self._recall(mark)) is not None:
            return AuthResult(200, user=user)
        give_up = self._clock() + WAIT_SECONDS
        while not self._comparing.acquire(blocking=False):
            if self._clock() >= give_up:
                return AuthResult(429, 1)
            self._sleep(PAUSE_SECONDS)
            if (user := self._recall(mark)) is not None:
                return AuthResult(200, user=user)
        try:
            # It may have guessed often while it waited.
            if (wait := self._wait_of(client)) > 0:
                return AuthResult(429, wait)
            return self._compared(credentials, mark, client)
        finally:
            self._comparing.release()

    def token(self, user: User) -> str:
        """What the pages of this user bear in their forms."""
        account = self._users.account(user.name)
        return form_token(account.kept, user.name, time.time()) if account is not None else ""

    def knows_token(self, token: str, user: User) -> bool:
        """Whether a page of this user bore it."""
        account = self._users.account(user.name)
        return account is not None and holds(token, account.kept, user.name, time.time())

    def _compared(self, credentials: bytes, mark: bytes, client: str) -> AuthResult:
        name, _, password = credentials.decode("utf-8", "replace").partition(":")
        account = self._users.account(name)
        kept = account.kept if account is not None else self._nobodys
        right = self._compare(password, kept)
        if account is None or not right:
            self._note_failure(client)
            return AuthResult(401, tried=name if account is not None else None)
        self._known[mark] = account.user
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return AuthResult(200, user=account.user)

    def _recall(self, mark: bytes) -> User | None:
        """Whose credentials these are, where they have been right since the users were last changed."""
        try:
            self._users.refresh()
        except UsersUnusable as error:
            log.error("nobody can sign in: %s", error)
        if self._users.stamp != self._known_stamp:
            self._known.clear()
            self._known_stamp = self._users.stamp
        return self._known.get(mark)

    def _wait_of(self, client: str) -> int:
        """Seconds until the client is listened to again; 0 for now."""
        now = self._clock()
        with self._lock:
            failures = self._failures.get(client)
            if failures is None:
                return 0
            while failures and failures[0] <= now - WINDOW_SECONDS:
                failures.popleft()
            if len(failures) < MOST_FAILURES:
                return 0
            return int(failures[0] + WINDOW_SECONDS - now) + 1

    def _note_failure(self, client: str) -> None:
        with self._lock:
            self._failures.setdefault(client, deque(maxlen=MOST_FAILURES)).append(self._clock())
            self._failures.move_to_end(client)
            if len(self._failures) > MOST_CLIENTS:
                self._failures.popitem(last=False)


def _credentials(authorization: str) -> bytes:
    """What stands in the header as user:password; nothing that could match where it is not well-formed."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
