"""What somebody wants to see of logs, out of the query of a URL; the same for the page, the stream and the download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from records.line import LEVELS, STREAMS
from records.moment import SECOND, moment, nanoseconds_of, text_of
from records.query import Query, QueryRefused

from monitor.web import Request

_AFTER = 5 * SECOND
"""How far beyond a line its surroundings reach."""


@dataclass(frozen=True)
class Asked:
    """What was asked for, as it was written, and ``query``, which it means.

    ``server`` is empty for all. ``around`` is the time of a line whose surroundings are meant. ``problem`` says why it
    cannot be looked for, and ``query`` is None then.
    """

    server: str
    text: str
    is_regex: bool
    level: str
    stream: str
    since: str
    until: str
    around: str
    query: Query | None
    problem: str | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether not every line is meant."""
        return bool(self.text or self.level or self.stream or self.since or self.until)

    def servers(self, there: Sequence[str]) -> list[str]:
        """Returns which of those that have a log are meant."""
        return [name for name in there if self.server in ("", name)]

    def url(self, path: str, **changed: str) -> str:
        """Returns the URL at ``path`` that asks for the same, but for what is changed."""
        fields = {
            "server": self.server,
            "q": self.text,
            "regex": "1" if self.is_regex else "",
            "level": self.level,
            "stream": self.stream,
            "since": self.since,
            "until": self.until,
            **changed,
        }
        query = urlencode({name: value for name, value in fields.items() if value})
        return f"{path}?{query}" if query else path


def asked_of(request: Request) -> Asked:
    """Returns what a request asks for."""
    server, text, level, stream, since, until = (
        request.asked(name).strip() for name in ("server", "q", "level", "stream", "since", "until")
    )
    is_regex = bool(request.asked("regex"))
    around, query, problem = "", None, None
    try:
        now = request.now.timestamp()
        around = request.asked("around")
        if around:
            until = text_of(nanoseconds_of(around) + _AFTER)
        query = Query(
            text="" if is_regex else text,
            regex=text if is_regex else "",
            since=moment(since, now) if since else "",
            until=moment(until, now) if until else "",
            stream=stream,
            level=level,
        )
    except (QueryRefused, ValueError) as error:
        problem = str(error)
    known_level, known_stream = (level if level in LEVELS else ""), (stream if stream in STREAMS else "")
    return Asked(server, text, is_regex, known_level, known_stream, since, until, around, query, problem)
