"""What a person reads on the page."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from monitor.figures.past import Figures
from monitor.layout import fragment, render
from monitor.pages.overview import fault, overview_view, server_list
from monitor.pages.server_filter import ServerFilter
from monitor.state import parse_state
from monitor.web import Request

from tests.unit.monitor import samples

NOW = samples.FINISHED + timedelta(minutes=3)
NOTHING = Figures()


class Words(HTMLParser):
    """The words of a page as a reader meets them."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += data.split()


def rendered(
    document: dict[str, Any],
    now: datetime = NOW,
    figures: Figures = NOTHING,
    query: dict[str, tuple[str, ...]] | None = None,
) -> str:
    state, request = parse_state(json.dumps(document).encode()), Request(query=query or {})
    view = overview_view(state, now)
    listed = server_list(state, ServerFilter.of(request), figures, now, "/monitor")
    table = fragment("servers.html", base="/monitor", list=listed)
    return str(render("overview.html", request, severity=view.severity, view=view, listed=table).body)


def faulty(kind: str, detail: str) -> str:
    return str(fault(Request(), kind, detail).body)


def read(page: str) -> str:
    words = Words()
    words.feed(page)
    return " ".join(words.words)


def test_a_good_run_reads_as_one() -> None:
    text = read(rendered(samples.three_servers()))
    assert "All 3 servers answer" in text
    assert "Reconciled 3 minutes ago took 12 seconds next in 2 minutes" in text
    assert "15 tools" in text
    assert "Nothing had to be changed." in text


EXCEPTIONS = ["the image's user is root", "writable root", "volume /srv/data:/data", "link-local addresses"]


def test_what_a_server_has_beyond_the_defaults_is_seen_in_its_row() -> None:
    page = rendered(samples.state([samples.server("wide", exceptions=EXCEPTIONS), samples.server("time")]))
    text = read(page)
    assert "Beyond the defaults: the image's user is root · writable root · volume /srv/data:/data · 1 more" in text
    assert "1 beyond the defaults" in text


def test_where_nothing_is_beyond_the_defaults_nothing_says_so() -> None:
    assert "eyond the defaults" not in read(rendered(samples.three_servers()))


def test_remote_servers_are_rows_like_the_others() -> None:
    remotes = [samples.remote("docs"), samples.remote("off", enabled=False)]
    text = read(rendered(samples.state([samples.server("time")], remotes=remotes)))
    assert "The server answers" in text
    assert "2 remote" in text
    assert "docs answers" in text
    assert "https://docs.example.com/mcp" in text
    assert "off disabled" in text


def test_what_needs_a_hand_stands_first() -> None:
    page = rendered(samples.hundred_servers())
    names = re.findall(r'class="name" href="[^"]*">([^<]*)<', page)
    assert names[:5] == ["neo4j-staging", "postgres", "github", "slack", "linear"]
    assert names[-3:] == ["excel-staging", "maps", "youtube-staging"]
    assert len(names) == 100


def test_every_error_can_be_read() -> None:
    document = samples.hundred_servers()
    text = read(rendered(document))
    for error in document["errors"]:
        assert " ".join(error["message"].split()) in text


def test_a_failed_run_without_a_failed_server_is_not_called_good() -> None:
    problem = {"server": None, "step": "containers", "message": "no Docker engine answers"}
    text = read(rendered(samples.state([samples.server("time")], problems=[problem])))
    assert "The last run failed" in text
    assert "containers no Docker engine answers" in text


@pytest.mark.parametrize(
    ("servers", "verdict"),
    [
        ([samples.server("a")], "The server answers"),
        ([samples.failing("a", "x")], "a does not answer"),
        ([samples.failing("a", "x"), samples.failing("b", "x")], "No server answers"),
        ([samples.server("a"), samples.failing("b", "x")], "1 of 2 servers answer, b does not"),
        ([samples.server("a"), samples.disabled("b")], "The server answers"),
        ([samples.disabled("b")], "No servers to run"),
        ([samples.server("a"), samples.server("b", health=samples.unasked("401"))], "1 of 2 servers are known to"),
    ],
)
def test_the_headline_says_how_many_answer(servers: list[dict[str, Any]], verdict: str) -> None:
    assert f">{verdict}" in rendered(samples.state(servers))


def test_a_state_older_than_three_intervals_is_not_shown_as_the_present() -> None:
    fresh = rendered(samples.three_servers(), samples.FINISHED + timedelta(seconds=899))
    assert "All 3 servers answer" in fresh
    stale = read(rendered(samples.three_servers(), samples.FINISHED + timedelta(hours=5)))
    assert "No run has ended for 5 hours" in stale
    assert "A run is due every 5 minutes." in stale
    assert "All 3 servers answer" not in stale


def test_once_runs_have_been_missing_for_long_no_server_is_marked_as_well() -> None:
    fleet = samples.state([samples.server("time", group="office"), samples.failing("lost", "it ended")])
    marked = '<tr class="{}"><th scope="row"><a class="name" href="/monitor/servers/{}">'
    late = samples.FINISHED + timedelta(hours=5)
    assert marked.format("ok", "time") in rendered(fleet)
    assert marked.format("none", "time") in (stale := rendered(fleet, late))
    assert marked.format("critical", "lost") in stale
    assert 'class="ok"' not in stale


def test_the_interval_of_the_settings_counts() -> None:
    slow = samples.state([samples.server("time")], interval_seconds=86400)
    assert "Nobody has reconciled" not in rendered(slow, samples.FINISHED + timedelta(hours=5))


def test_many_changes_are_folded_away() -> None:
    page = rendered(samples.state([], changes=[f"s{n}: create" for n in range(30)]))
    assert "22 more" in page
    assert "s29: create" in page


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def test_nothing_in_a_state_becomes_markup() -> None:
    document = samples.state(
        [samples.server(HOSTILE, image=HOSTILE, error=HOSTILE,
                        command=[HOSTILE], notes=[HOSTILE], exceptions=[HOSTILE],
                        health={"tools": [HOSTILE], "server": {"name": HOSTILE, "version": HOSTILE}})],
        remotes=[samples.remote(HOSTILE, url=HOSTILE, headers=[HOSTILE], notes=[HOSTILE])],
        problems=[{"server": None, "step": "routes", "message": HOSTILE}], changes=[HOSTILE], id=HOSTILE,
    )  # fmt: skip
    page = rendered(document | {"fleet": HOSTILE})
    assert "<script>" not in page
    assert "<img" not in page
    assert html.escape("<script>alert(1)</script>") in page
    assert "<script>" not in faulty("unreadable", HOSTILE)


@pytest.mark.parametrize("page", [rendered(samples.hundred_servers()), faulty("missing", "/var/state.json")])
def test_the_page_needs_nothing_that_its_policy_forbids(page: str) -> None:
    assert " style=" not in page
    assert not re.search(r"<(script|style)>", page)
    assert re.findall(r'<script nonce="[^"]+" src="/monitor/static/[a-z]+[.]js[?]v=', page)
    assert not re.search(r'(src|href)="https?:', page)


def test_a_missing_state_is_explained() -> None:
    text = read(faulty("missing", "/var/lib/mcp-orchestrator/state.json"))
    assert "No run has been reported yet" in text
    assert "/var/lib/mcp-orchestrator/state.json" in text


def test_a_warning_about_the_host_stands_beside_a_good_verdict() -> None:
    text = read(rendered({**samples.three_servers(), "warnings": ["The metadata service <b> gives too much away."]}))
    assert "All 3 servers answer" in text
    assert "About this host and its load balancer The metadata service <b> gives too much away." in text
    assert "About this host" not in read(rendered(samples.three_servers()))
