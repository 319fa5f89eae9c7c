"""The list of servers and a server's page in a real browser: with and without scripts, at a desk and on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.monitor_parts.serving import PASSWORD, Monitor, monitor
from tests.e2e.support.waiting import until
from tests.monitor_data.site import make_site
from tests.security.chromium import Browser, browsing

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="there is no Chromium here"
)

NAMES = "return [...document.querySelectorAll('.fleet-list tbody th .name')].map(each => each.textContent)"
PAGES = ("/", "/?by=group", "/servers/files", "/resources", "/connect", "/connect?server=files")


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    with monitor(make_site(tmp_path_factory.mktemp("site"), servers=24, days=3, lines=40, calls=200)) as running:
        yield running


def look(window: Browser, served: Monitor, path: str) -> None:
    window.open(f"http://admin:{PASSWORD}@127.0.0.1:{served.port}/monitor{path}")


def names(window: Browser) -> list[str]:
    found: Any = window.run(NAMES)
    assert isinstance(found, list), found
    return found


def test_the_form_narrows_and_orders_the_list_and_can_be_bookmarked(served: Monitor, window: Browser) -> None:
    look(window, served, "/")
    every = names(window)
    window.run(
        "const form = document.querySelector('form.sieve'); form.q.value = 'github'; form.sort.value = 'name';"
        "form.querySelector('button').click()"
    )
    window.arrives("q=github")
    assert names(window) == sorted(each for each in every if "github" in each)
    assert window.run("return document.querySelector('form.sieve').q.value") == "github"


def test_a_head_of_a_column_turns_the_order_around(served: Monitor, window: Browser) -> None:
    look(window, served, "/?sort=name")
    there = names(window)
    window.run("document.querySelector('.fleet-list thead a').click()")
    window.arrives("sort=-name")
    assert names(window) == there[::-1]


def test_a_name_leads_to_the_servers_page(served: Monitor, window: Browser) -> None:
    look(window, served, "/?q=files")
    window.run("document.querySelector('.fleet-list tbody th .name').click()")
    window.arrives("/servers/files")
    assert "files" in window.run("return document.querySelector('h1').textContent")
    assert window.run("return document.querySelectorAll('.charts svg path').length") == 4


def test_an_address_is_copied(served: Monitor, window: Browser) -> None:
    look(window, served, "/?q=files")
    copied = window.run(
        "let text = ''; navigator.clipboard.writeText = async given => { text = given; };"
        "document.querySelector('.fleet-list .copy').click(); await new Promise(done => setTimeout(done)); return text"
    )
    assert copied == "https://mcp.example.com/mcp/files/mcp"


def test_a_page_that_nobody_sees_asks_for_nothing(served: Monitor, window: Browser) -> None:
    look(window, served, "/resources")
    window.run(
        "localStorage.hidden = window.asked = 0; const [now, own] = [Date.now, fetch];"
        "Date.now = () => now() + (window.later || document.visibilityState === 'hidden' ? 16000 : 0);"
        "window.fetch = (...given) => { window.asked += 1; return own(...given); };"
        "setInterval(() => { localStorage.hidden -= -(document.visibilityState === 'hidden'); }, 1000);"
    )
    with window.another_tab():
        look(window, served, "/health")
        until(lambda: int(window.run("return localStorage.hidden")) >= 3, "nobody sees the page for a while")
    assert window.run("return window.asked") == 0
    window.run("window.later = true")
    until(lambda: window.run("return window.asked") == 1, "it asks for what is new once somebody looks")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [500, 768, 1100, 1400])
def test_nothing_on_a_page_is_against_its_policy_or_wider_than_the_window(
    served: Monitor, window: Browser, path: str, width: int
) -> None:
    window.resize(width, 900)
    look(window, served, path)
    told = window.run(
        "const broken = []; document.addEventListener('securitypolicyviolation', each => broken.push(each.blockedURI));"
        "for (const each of document.querySelectorAll('svg path, progress')) each.getBoundingClientRect();"
        "await new Promise(done => setTimeout(done, 50));"
        "const lists = [...document.querySelectorAll('.scroll:has(.fleet-list)')];"
        "const wide = lists.filter(each => each.scrollWidth > each.clientWidth);"
        "return [broken, document.documentElement.scrollWidth <= innerWidth, wide.length, document.styleSheets.length]"
    )
    assert told == [[], True, 0, 1]


def test_a_page_renews_itself_and_leaves_who_reads_it_where_they_are(served: Monitor, window: Browser) -> None:
    look(window, served, "/servers/time")
    told = window.run(
        "document.querySelector('.tools details').open = true; window.scrollTo(0, 300);"
        "document.querySelector('.tabs a').focus({preventScroll: true});"
        "document.querySelector('h1').textContent = 'old';"
        "window.same = true; const now = Date.now(); Date.now = () => now + 16000;"
        "for (let turn = 0; turn < 500 && document.querySelector('h1').textContent === 'old'; turn += 1)"
        "  await new Promise(done => setTimeout(done, 100));"
        "return [window.same, document.querySelector('h1').textContent.split(':')[0], scrollY,"
        "  document.querySelector('.tools details').open, document.activeElement.textContent]"
    )
    assert told == [True, "time", 300, True, "Overview"]
