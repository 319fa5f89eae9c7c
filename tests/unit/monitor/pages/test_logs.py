"""The page of logs: what is asked for, what is shown, and that nothing a server writes is more than text."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from monitor.log_query import asked_of
from monitor.pages.logs import LONGEST_SHOWN, MOST_LINES, download, logs_view, page, row_of
from monitor.sources import Sources
from monitor.web import Answer, Request
from records.line import harmless, head
from records.logs import Logs

from tests.unit.monitor import samples
from tests.unit.records.kept import at, keep, line

NOW = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)


def request(**query: str) -> Request:
    return Request(path="/logs", query={name: (value,) for name, value in query.items()}, now=NOW)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    keep(tmp_path / "logs", "time", line(1, "INFO one") + line(2, "ERROR two", "err") + line(9, "three"))
    keep(tmp_path / "logs", "orders", line(3, "order <b>one</b>"))
    return Sources(tmp_path / "state.json", tmp_path)


def shown(answer: Answer) -> list[str]:
    """The lines on a page, in their order."""
    assert isinstance(answer.body, str)
    return [unescape(re.sub("<.*?>", "", each)) for each in re.findall(r"<span>(.*?)</span></p>", answer.body, re.S)]


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ({}, ["INFO one", "ERROR two", "order <b>one</b>", "three"]),
        ({"server": "time"}, ["INFO one", "ERROR two", "three"]),
        ({"q": "O"}, ["INFO one", "ERROR two", "order <b>one</b>"]),
        ({"q": "^(INFO|three)", "regex": "1"}, ["INFO one", "three"]),
        ({"level": "error"}, ["ERROR two"]),
        ({"stream": "err"}, ["ERROR two"]),
        ({"since": at(3)}, ["order <b>one</b>", "three"]),
        ({"until": at(2)}, ["INFO one"]),
        ({"around": at(3), "server": "time"}, ["INFO one", "ERROR two"]),
    ],
)
def test_the_lines_that_are_asked_for_are_shown_in_the_order_of_their_times(
    sources: Sources, query: dict[str, str], lines: list[str]
) -> None:
    assert shown(page(request(**query), sources)) == lines


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"q": "(", "regex": "1"}, 400, "the expression is wrong"),
        ({"q": "x" * 300}, 400, "longer than 200 characters"),
        ({"since": "yesterday-ish"}, 400, "is not a time"),
        ({"around": "now"}, 400, "is not a time"),
        ({"level": "loud"}, 400, "is no level"),
        ({"server": "../time"}, 404, "Nothing is kept of a server named ../time"),
        ({"q": "nothing like it"}, 200, "No line is like that"),
    ],
)
def test_what_cannot_be_shown_is_said(sources: Sources, query: dict[str, str], status: int, says: str) -> None:
    answer = page(request(**query), sources)
    assert answer.status == status
    assert says in str(answer.body)
    assert shown(answer) == []


def test_a_server_of_the_config_has_a_page_before_it_has_a_log(sources: Sources) -> None:
    sources.state_file.write_text(json.dumps(samples.state([samples.server("quiet")])))
    answer = page(request(server="quiet"), sources)
    assert answer.status == 200
    assert "Nothing is kept of a server named quiet" in str(answer.body)
    assert "<option selected>quiet</option>" in str(answer.body)


def test_without_any_log_the_page_says_what_may_be_the_cause(tmp_path: Path) -> None:
    assert "the watcher does not keep logs" in str(page(request(), Sources(tmp_path / "s", tmp_path)).body)


def test_a_full_page_leads_to_the_lines_before_it_with_the_same_query(tmp_path: Path) -> None:
    keep(tmp_path / "logs", "time", b"".join(line(number, f"ERROR {number}") for number in range(MOST_LINES + 50)))
    sources = Sources(tmp_path / "state.json", tmp_path)
    found = Logs(tmp_path / "logs").tail(["time"], asked_of(request()).query, MOST_LINES)  # type: ignore[arg-type]
    view = logs_view(asked_of(request(q="error", level="error")), ["time"], found.lines, "/monitor", is_whole=True)
    older = dict(part.split("=") for part in view.older.partition("?")[2].split("&"))
    assert (older["q"], older["level"]) == ("error", "error")
    before = shown(page(request(until=found.lines[0].time), sources))
    assert (len(before), before[-1]) == (50, "ERROR 49")


def test_what_ends_in_the_past_is_not_followed(sources: Sources) -> None:
    assert 'data-follow=""' in str(page(request(until=at(5)), sources).body)
    assert 'data-follow="/monitor/logs/follow?q=one"' in str(page(request(q="one"), sources).body)


def test_a_search_that_ran_out_of_time_says_so() -> None:
    view = logs_view(asked_of(request(q="x")), ["time"], [], "/monitor", is_whole=False)
    assert view.says.startswith("The search was stopped after 4 seconds with no lines")


def test_a_long_line_is_cut_on_the_page_and_whole_in_the_download(tmp_path: Path) -> None:
    keep(tmp_path / "logs", "time", line(1, "x" * 30_000))
    sources = Sources(tmp_path / "state.json", tmp_path)
    (text,) = shown(page(request(), sources))
    assert text.startswith("x" * LONGEST_SHOWN)
    assert "26000 more characters" in text
    assert len(str(page(request(), sources).body)) < 12_000
    assert len(b"".join(downloaded(download(request(), sources)))) > 30_000


def downloaded(answer: Answer | None) -> list[bytes]:
    assert answer is not None
    return list(answer.body)  # type: ignore[arg-type]


def test_a_download_has_every_line_that_is_meant_with_its_server(sources: Sources) -> None:
    answer = download(request(q="o"), sources)
    assert answer is not None
    assert answer.headers["Content-Disposition"] == 'attachment; filename="mcp-20261129T070000Z.log"'
    assert answer.content_type.startswith("text/plain")
    lines = b"".join(downloaded(answer)).decode().splitlines()
    assert [each.split(" ", 4)[1] for each in lines] == ["orders", "time", "time"]
    assert lines[1] == f"{at(1)} time out 0123456789ab INFO one"
    assert download(request(server="none"), sources) is None


HOSTILE = (
    b"\x1b[31mred\x1b[0m\x1b]0;title\x07",
    b"</span></p><script>alert(1)</script><img src=x onerror=alert(1)>",
    b"' onmouseover='alert(1)' \"></a>",
    b"nul \0 and \x9b31m and \x85",
    b"\xff\xfe\xfa not utf-8",
    "\u202eright to left\u2028line\u2029".encode(),
    b"{{ 7 * 7 }} {% raw %}",
    b"data: x\n\nevent: lines\ndata: [1]",
    b"x" * 1_000_000,
    b"A" * 32_768 + b"<script>",
)


def rows_of(raw: list[bytes]) -> bytes:
    """A segment with these, as the watcher keeps what a container wrote."""
    return b"".join(head(at(number), "out", "0123456789ab") + harmless(each) + b"\n" for number, each in enumerate(raw))


@pytest.mark.parametrize("raw", HOSTILE)
def test_nothing_that_a_server_writes_is_more_than_text(tmp_path: Path, raw: bytes) -> None:
    keep(tmp_path / "logs", "time", rows_of([each for each in raw.split(b"\n") if each]))
    body = str(page(request(), Sources(tmp_path / "state.json", tmp_path)).body)
    inside = body[body.index('<div class="lines') :]
    assert set(re.findall(r"<(\w+)", inside)) <= {"div", "p", "a", "span", "i", "b", "button"}
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", inside.replace("\n", "")) is None
    assert len(body) < 40_000


def test_any_bytes_at_all_make_a_page_and_events(tmp_path: Path) -> None:
    chance = random.Random(15)
    lines = [chance.randbytes(chance.randrange(1, 400)).replace(b"\n", b" ") for _ in range(400)]
    keep(tmp_path / "logs", "time", rows_of(lines))
    sources = Sources(tmp_path / "state.json", tmp_path)
    assert len(shown(page(request(), sources))) == MOST_LINES
    for found in sources.logs.search(["time"], asked_of(request()).query):  # type: ignore[arg-type]
        sent: list[Any] = json.loads(json.dumps(row_of(found).to_list()))
        assert sent[1] == found.time


def test_a_damaged_segment_shows_what_of_it_is_whole(tmp_path: Path) -> None:
    chance = random.Random(7)
    good = line(5, "whole")
    keep(tmp_path / "logs", "time", chance.randbytes(5000) + b"\n" + good + chance.randbytes(300))
    assert shown(page(request(), Sources(tmp_path / "state.json", tmp_path))) == ["whole"]


def test_an_expression_that_never_ends_ends(tmp_path: Path) -> None:
    keep(tmp_path / "logs", "time", line(1, "a" * 30_000 + "!"))
    sources = Sources(tmp_path / "state.json", tmp_path)
    assert page(request(q="^(a+)+$", regex="1"), sources).status == 200
