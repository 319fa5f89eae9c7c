"""What a page is asked over HTTP, and what it answers, without a socket or a framework."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from monitor.access.users import NOBODY, User
from monitor.notices import Notice


@dataclass(frozen=True)
class Request:
    """A request over HTTP, as a page sees it.

    ``base`` is the path that the monitor stands at, without a slash at its end; ``path`` what follows it. ``arguments``
    are the parts of the path that its route names; ``query`` and ``form`` hold the values of each name in their order;
    ``headers`` has names in small letters. ``nonce`` is what the page's own scripts and styles bear. ``token`` is what
    its forms send as ``token``, and its scripts in the query of what they ask for. ``notices`` are those of all pages.
    """

    base: str = "/monitor"
    path: str = "/"
    method: str = "GET"
    arguments: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    user: User = NOBODY
    client: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    token: str = ""
    notices: Callable[[], Sequence[Notice]] = tuple

    def asked(self, name: str, default: str = "") -> str:
        """The first value of this name in the query."""
        return next(iter(self.query.get(name, ())), default)

    def asked_all(self, name: str) -> tuple[str, ...]:
        """Every value of this name in the query."""
        return self.query.get(name, ())

    def filled(self, name: str, default: str = "") -> str:
        """The first value of this name in the form."""
        return next(iter(self.form.get(name, ())), default)


def headers_of(environ: Mapping[str, Any]) -> dict[str, str]:
    """Returns the headers of a WSGI request by names in small letters; bytes that are no UTF-8 are replaced."""
    found = {key[5:]: value for key, value in environ.items() if key.startswith("HTTP_")}
    found |= {key: environ[key] for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(key)}
    return {
        key.replace("_", "-").lower(): str(value).encode("latin-1", "replace").decode("utf-8", "replace")
        for key, value in found.items()
    }


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP. A body that is iterated over is sent piece by piece, each as soon as it is there; whatever
    waits between two pieces does so with time.sleep, and costs the others nothing.

    It ``may_be_compressed`` where nothing that only its reader may know and that stays the same stands beside what the
    request says: the length would tell of it (https://www.breachattack.com/). A form's token is another one each time.
    """

    body: str | bytes | Iterable[bytes]
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    may_be_compressed: bool = False
