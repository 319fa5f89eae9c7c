"""Who may come in: HTTP basic authentication (RFC 7617) with a brake on guessing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from monitor.access.users import OPERATE, User

# A client that was wrong so many times within so many seconds is refused until the oldest has passed.
MOST_FAILURES = 10
WINDOW_SECONDS = 60.0
# Every wrong guess costs this; but no more than two threads of the server may wait at a time, for others want it too.
DELAY_SECONDS = 0.3
MOST_WAITING = 2
# The memory of the brake must not grow with the number of clients that an attacker invents.
MOST_CLIENTS = 1024


@dataclass(frozen=True)
class AuthResult:
    """What becomes of a request: the HTTP status, after how many seconds to try again where that is limited, and who
    it is from where it comes in."""

    status: int
    retry_after: int = 0
    user: User | None = None

    @property
    def admitted(self) -> bool:
        """Whether the request comes in."""
        return self.user is not None


class BasicAuth:
    """Knows the one user and password, and remembers who failed."""

    def __init__(
        self,
        username: str,
        password: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._user = User(username, OPERATE)
        self._expected = _digest(f"{username}:{password}".encode())
        self._clock = clock
        self._sleep = sleep
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)

    def check(self, authorization: str | None, client: str) -> AuthResult:
        """Whether a request with this Authorization header, from this client, comes in."""
        if authorization is None:
            return AuthResult(401)
        if (wait := self._wait_of(client)) > 0:
            return AuthResult(429, wait)
        if hmac.compare_digest(_digest(_credentials(authorization)), self._expected):
            return AuthResult(200, user=self._user)
        self._note_failure(client)
        if not self._waiting.acquire(blocking=False):
            return AuthResult(429, 1)
        try:
            self._sleep(DELAY_SECONDS)
        finally:
            self._waiting.release()
        return AuthResult(401)

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


def _digest(credentials: bytes) -> bytes:
    """A digest, so that the comparison takes the same time whatever the lengths."""
    return hashlib.sha256(credentials).digest()
