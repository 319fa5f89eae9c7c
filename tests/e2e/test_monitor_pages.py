"""Every page of the monitor in a real browser, over the files of a site: desk and phone, light and dark, axe-core,
without JavaScript."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.monitor_parts.serving import PASSWORD, Monitor, monitor
from tests.conformance.node import CACHE, package
from tests.monitor_data.site import make_site
from tests.security.chromium import Browser, browsing

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="there is no Chromium here"
)
AXE = "axe-core@4.14.1"
DESK, PHONE = (1280, 900), (390, 844)
VIEWS = [pytest.param(DESK, "light", id="desk-light"), pytest.param(PHONE, "dark", id="phone-dark")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_site(tmp_path_factory.mktemp("site"), servers=12, days=3, lines=60, calls=60)
    (folder / "monitor").mkdir()
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Monitor]:
    with monitor(folder, role="operate") as running:
        yield running


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def paths(folder: Path) -> dict[str, str]:
    """A path of each page by its name."""
    server = json.loads((folder / "state.json").read_text())["servers"][0]["name"]
    run = max(path.stem for path in (folder / "history").glob("2*.json"))
    return {
        "overview": "/",
        "filtered": "/?condition=failing",
        "server": f"/servers/{server}",
        "logs": "/logs",
        "log": f"/logs?server={server}",
        "calls": "/calls",
        "runs": "/runs",
        "run": f"/runs/{run}",
        "compare": f"/runs/compare?server={server}",
        "routes": "/routes",
        "resources": "/resources",
        "verified": "/verified",
        "connect": "/connect",
        "audit": "/audit",
        "question": f"/act/stop?server={server}",
        "unknown": "/servers/nobody",
    }


NAMES = [
    "overview", "filtered", "server", "logs", "log", "calls", "runs", "run", "compare", "routes", "resources",
    "verified", "connect", "audit", "question", "unknown",
]  # fmt: skip


def look(window: Browser, served: Monitor, path: str) -> str:
    """Opens a page, signed in; its text."""
    window.open(f"http://admin:{PASSWORD}@127.0.0.1:{served.port}/monitor{path}")
    return str(window.run("return document.body.innerText"))


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, which Deque publishes."""
    folder = CACHE / "axe-core"
    package(folder, AXE)
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_and_breaks_nothing_of_its_policy(
    window: Browser, served: Monitor, paths: dict[str, str], name: str, size: tuple[int, int], scheme: str
) -> None:
    window.shape(*size, scheme)
    window.complaints()
    text = look(window, served, paths[name])
    assert window.run("return document.querySelectorAll('h1').length") == 1
    assert "The monitor broke" not in text
    missing = [f"/monitor{paths[name]} - Failed to load resource"] if name == "unknown" else []
    assert [each for each in window.complaints() if not any(told in each for told in missing)] == []
    wide = window.run(
        "return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1"
        " && !e.closest('.scroll, .lines, table, pre, .skip')).map(e => e.outerHTML.slice(0, 80))"
    )
    assert window.run("return document.documentElement.scrollWidth - innerWidth") <= 0, wide


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_serious(
    window: Browser,
    served: Monitor,
    paths: dict[str, str],
    axe: str,
    name: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    window.shape(*size, scheme)
    look(window, served, paths[name])
    found: Any = window.run(
        f"{axe}\n;const told = await axe.run(document, {{resultTypes: ['violations']}});"
        "return told.violations.filter(each => ['serious', 'critical'].includes(each.impact))"
        ".map(each => [each.id, each.nodes.slice(0, 3).map(node => node.html.slice(0, 160))])"
    )
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_without_javascript_a_page_says_the_same(
    window: Browser, served: Monitor, paths: dict[str, str], name: str
) -> None:
    window.shape(*DESK, "light")
    look(window, served, paths[name])
    headline = window.run("return document.querySelector('h1').innerText")
    with window.without_scripts():
        look(window, served, paths[name])
        assert window.run("return document.querySelector('h1').innerText") == headline
        links = window.run("return [...document.querySelectorAll('nav.site a')].map(link => link.pathname)")
    assert len(links) >= 6


# Without those of single lines and of each order, which are many.
SKIPPED = re.compile(r"around=|sort=|/download|/follow|/static/")


def test_every_link_leads_to_a_page(served: Monitor) -> None:
    seen: set[str] = set()
    found = ["/"]
    while found:
        path = found.pop()
        if path in seen:
            continue
        seen.add(path)
        body, _seconds = served.get(path)  # raises where there is none
        links = [html.unescape(each) for each in re.findall(r'<a [^>]*href="([^"]*)"', body.decode())]
        below = [each.partition("#")[0].removeprefix("/monitor") for each in links if each.startswith("/monitor")]
        found += [each for each in below if not SKIPPED.search(each)]
    assert len(seen) > 100


def test_without_javascript_an_action_becomes_a_request(
    window: Browser, served: Monitor, paths: dict[str, str], folder: Path
) -> None:
    spool = folder / "requests"
    spool.mkdir()
    with window.without_scripts():
        look(window, served, paths["question"])
        window.click("main form button")
        window.arrives("/requests/")
        assert ". The run that does it answers here" in str(window.run("return document.querySelector('h1').innerText"))
    (request,) = (json.loads(path.read_text()) for path in spool.iterdir())
    assert (request["action"], request["by"]) == ("stop", "admin")


def test_by_keyboard_the_first_stop_leads_past_the_navigation(window: Browser, served: Monitor) -> None:
    window.shape(*DESK, "light")
    look(window, served, "/")
    window.press("\ue004")  # Tab, as WebDriver names it
    assert window.run("return document.activeElement.getAttribute('href')") == "#content"
    assert window.run("return document.activeElement.getBoundingClientRect().left") >= 0
