"""Actions of the page on a whole installation, in a real browser: question, request, answer, audit list."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.e2e.support.site import Site
from tests.e2e.support.waiting import until
from tests.security.chromium import Browser, browsing

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="there is no Chromium here"
)
TEXT = "return document.body.innerText"


@pytest.fixture
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def monitor(site: Site) -> str:
    """The URL of the pages, with the credentials in it."""
    password = (site.etc / "monitor.password").read_text().strip()
    return f"http://admin:{quote(password)}@{urlsplit(site.url).netloc}/monitor"


def path_of(browser: Browser) -> str:
    return str(browser.run("return location.pathname"))


def ask(browser: Browser, url: str) -> None:
    """Opens the question; again where the balancer still says that the monitor, just restarted, is not there."""

    def asked() -> bool:
        browser.open(url)
        if browser.run("return document.querySelector('main form button') !== null"):
            return True
        said.append(str(browser.run(TEXT))[:500])
        return False

    said: list[str] = []
    until(asked, lambda: f"the question of an action; the page said: {said}")


def press(browser: Browser, url: str) -> str:
    """Opens the question, says yes, and returns the path of the request that it becomes."""
    ask(browser, url)
    browser.run("document.querySelector('main form button').click()")
    browser.arrives("/requests/")
    waiting = str(browser.run(TEXT))
    assert "The run that does it answers here" in waiting
    assert "asked by admin" in waiting
    return path_of(browser)


def answered(browser: Browser) -> str:
    """The page's text once it has renewed itself with the answer."""
    until(lambda: "answers here" not in browser.run(TEXT), "the answer")
    return str(browser.run(TEXT))


def running(site: Site, server: str) -> list[Any]:
    found = site.docker.containers.list(filters={"label": f"mcp_service={server}"})
    return [each for each in found if each.labels["mcp_fleet"] == site.state()["fleet"]]


def test_a_server_is_stopped_and_started_in_a_browser_and_the_page_follows(
    site: Site, monitor: str, browser: Browser
) -> None:
    press(browser, f"{monitor}/act/stop?server=time")
    site.reconcile()
    told = answered(browser)
    assert "Done" in told
    assert "time: stopped by admin" in told
    assert not running(site, "time")

    press(browser, f"{monitor}/act/clear-override?server=time")
    site.reconcile()
    assert "Done" in answered(browser)
    assert running(site, "time")

    browser.open(f"{monitor}/audit")
    rows = browser.run("return [...document.querySelectorAll('tbody tr')].map(row => row.innerText)")
    assert [("clear-override time" in rows[0], "admin" in rows[0]), "stop time" in rows[1]] == [(True, True), True]


def test_another_page_of_the_same_name_gets_neither_pages_nor_actions(
    site: Site, monitor: str, browser: Browser
) -> None:
    browser.open(f"{monitor}/")  # signs in
    browser.open(f"{site.url}/mcp/")  # where a server could serve a page of its own
    tries = """
        const found = {};
        for (const path of ["/monitor/", "/monitor/act/stop?server=time", "/monitor/state.json", "/monitor/audit"])
          found[path] = (await fetch(path, {credentials: "include"})).status;
        const form = new URLSearchParams({server: "time", token: "guessed"});
        found.post = (await fetch("/monitor/act/stop", {method: "POST", body: form, credentials: "include"})).status;
        const frame = document.createElement("iframe");
        frame.src = "/monitor/";
        await new Promise(resolve => { frame.onload = frame.onerror = resolve; document.body.append(frame); });
        let text = "";
        try { text = frame.contentDocument?.body?.innerText || ""; } catch { text = "closed"; }
        found.frame = text.includes("MCP fleet");
        return JSON.stringify(found);
    """
    found = json.loads(browser.run(tries))
    assert found.pop("frame") is False
    assert set(found.values()) == {403}
    assert not list((site.var / "requests").iterdir())
