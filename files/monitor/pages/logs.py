"""What servers wrote: the last lines, what is looked for in them, and as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from records.line import LEVELS, STREAMS, Line
from records.logs import Logs

from monitor.layout import render
from monitor.log_query import Asked, asked_of
from monitor.server import apart, apart_each
from monitor.sources import Sources
from monitor.web import Answer, Request

MOST_LINES = 300
LONGEST_SHOWN = 4000
"""Characters of a line that the page shows; the download has all of them."""
SECONDS = 4.0
"""How long a page may look for lines."""

LEVEL_WORDS = {"debug": "any level", "info": "info and above", "warning": "warnings and errors", "error": "errors"}
STREAM_WORDS = {"out": "stdout", "err": "stderr", "rec": "the recorder's remarks"}
_DOWNLOAD_PIECE = 64 * 1024


@dataclass(frozen=True)
class Row:
    """A line on the page. ``key`` tells it from every other; ``more`` is how many characters are not shown."""

    key: str
    time: str
    server: str
    stream: str
    level: str
    text: str
    more: int

    def to_list(self) -> list[str | int]:
        """Returns it as the stream sends it and logs.js reads it."""
        return [self.key, self.time, self.server, self.stream, self.level, self.text, self.more]


@dataclass(frozen=True)
class LogsView:
    """The page. ``older`` and ``download`` are URLs; ``says`` is one sentence about what is shown; ``follow`` is where
    what comes is streamed from, empty where nothing can come."""

    headline: str
    says: str
    asked: Asked
    servers: Sequence[str]
    rows: list[Row]
    older: str
    download: str
    follow: str
    latest: str


def page(request: Request, sources: Sources) -> Answer:
    """The last lines that are meant."""
    asked = apart(asked_of, request)
    there = sources.logs.servers()
    if asked.server and asked.server not in there:
        status = 200 if asked.server in sources.names() else 404
        view = logs_view(asked, there, [], request.base, is_whole=True)
    else:
        status = 200 if asked.problem is None else 400
        found, is_whole = apart(_found, sources.logs, asked, there)
        view = logs_view(asked, there, found, request.base, is_whole=is_whole)
    return render(
        "logs.html",
        request,
        status=status,
        view=view,
        levels=[(level, LEVEL_WORDS[level]) for level in LEVELS[1:]],
        streams=[(stream, STREAM_WORDS[stream]) for stream in STREAMS],
    )


def _found(logs: Logs, asked: Asked, there: Sequence[str]) -> tuple[Sequence[Line], bool]:
    if asked.query is None:
        return [], True
    found = logs.tail(asked.servers(there), asked.query, MOST_LINES, SECONDS)
    return found.lines, found.is_whole


def logs_view(asked: Asked, there: Sequence[str], lines: Sequence[Line], base: str, *, is_whole: bool) -> LogsView:
    """What the page says. ``there`` are the servers that have a log; ``is_whole``: the search came to its end."""
    path = f"{base}/logs"
    is_full = len(lines) >= MOST_LINES
    return LogsView(
        headline=f"Log of {asked.server}" if asked.server else "Logs of all servers",
        says=_says(asked, there, len(lines), is_whole=is_whole),
        asked=asked,
        servers=there if not asked.server or asked.server in there else sorted([*there, asked.server]),
        rows=[row_of(line) for line in lines],
        older=asked.url(path, until=lines[0].time) if is_full else "",
        download=asked.url(f"{path}/download"),
        follow="" if asked.until or asked.query is None else asked.url(f"{path}/follow"),
        latest=lines[-1].time if lines else "",
    )


def _says(asked: Asked, there: Sequence[str], count: int, *, is_whole: bool) -> str:
    if asked.problem is not None:
        return f"This cannot be looked for: {asked.problem}."
    if not there:
        return "No server has written anything yet, or the watcher does not keep logs ([logging] server_logs)."
    if asked.server and asked.server not in there:
        return f"Nothing is kept of a server named {asked.server}."
    if not is_whole:
        return (
            f"The search was stopped after {SECONDS:g} seconds with {_lines(count)}. Narrow it to one server or a time."
        )
    if not count:
        return "No line is like that." if asked.is_narrowed else "It has written nothing yet."
    if count >= MOST_LINES:
        return f"The last {count} lines{' that are meant' if asked.is_narrowed else ''}."
    return f"{_lines(count)}{', all that match' if asked.is_narrowed else ''}."


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count or 'no'} lines"


def row_of(line: Line) -> Row:
    """Returns a line as the page shows it."""
    more = max(len(line.text) - LONGEST_SHOWN, 0)
    return Row(
        key=f"{line.server}@{line.position}",
        time=line.time,
        server=line.server,
        stream=line.stream,
        level=line.level or "",
        text=line.text[:LONGEST_SHOWN],
        more=more,
    )


def download(request: Request, sources: Sources) -> Answer | None:
    """Every line that is meant as text, in the order in which each server wrote it."""
    asked = apart(asked_of, request)
    servers = asked.servers(sources.logs.servers())
    if asked.query is None:
        return Answer(f"{asked.problem}\n", 400, "text/plain; charset=utf-8")
    if not servers:
        return None
    name = asked.server if asked.server else "mcp"
    disposition = f'attachment; filename="{name}-{request.now:%Y%m%dT%H%M%SZ}.log"'
    headers = {"Content-Disposition": disposition}
    pieces = apart_each(_download(sources.logs, servers, asked))
    return Answer(pieces, 200, "text/plain; charset=utf-8", headers)


def _download(logs: Logs, servers: Sequence[str], asked: Asked) -> Iterator[bytes]:
    assert asked.query is not None  # noqa: S101 - the caller has looked
    piece = bytearray()
    for server in servers:
        for line in logs.oldest_first(server, asked.query):
            piece += f"{line.time} {line.server} {line.stream} {line.container} {line.text}\n".encode()
            if len(piece) >= _DOWNLOAD_PIECE:
                yield bytes(piece)
                piece.clear()
    yield bytes(piece)
