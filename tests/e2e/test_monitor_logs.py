"""Logs in a real browser: a line is there at once, a search goes on with what comes, and nothing is in the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from records.line import harmless

from benchmarks.monitor_parts.serving import PASSWORD, Monitor, monitor
from tests.e2e.support.waiting import until
from tests.security.chromium import Browser, browsing
from tests.unit.records.kept import at, keep, line

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="there is no Chromium here"
)

TEXTS = "return [...document.querySelectorAll('#lines p span')].map(each => each.textContent)"
SAYS = "return document.getElementById('says').textContent"
HOSTILE = b"<img src=x onerror=\"document.title='taken'\"> \x1b[31m</span></p><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keep(tmp_path / "logs", "time", b"".join(line(number, f"INFO old {number}") for number in range(200)))
    keep(tmp_path / "logs", "orders", line(150.5, "ERROR of orders") + line(151, harmless(HOSTILE).decode()))
    return tmp_path


@pytest.fixture
def served(folder: Path) -> Iterator[Monitor]:
    with monitor(folder) as running:
        yield running


def look(window: Browser, served: Monitor, path: str) -> None:
    """Opens a page, signed in, and waits until the log is followed."""
    window.open(f"http://admin:{PASSWORD}@127.0.0.1:{served.port}/monitor{path}")
    until(lambda: "What comes is added" in window.run(SAYS), "the log is followed")


def append(folder: Path, server: str, content: bytes) -> None:
    with (folder / "logs" / server / "00000001.log").open("ab") as file:
        file.write(content)


def shown(window: Browser) -> list[str]:
    found: Any = window.run(TEXTS)
    assert isinstance(found, list), found
    return found


def test_a_line_that_is_written_is_on_the_page_without_a_reload(folder: Path, served: Monitor, window: Browser) -> None:
    look(window, served, "/logs?server=time")
    window.run("window.same = true")
    append(folder, "time", line(300, "just now"))
    until(lambda: shown(window)[-1] == "just now", "the line is there")
    append(folder, "orders", line(301, "of another server"))
    append(folder, "time", line(302, "next"))
    until(lambda: shown(window)[-2:] == ["just now", "next"], "the next line is there")
    assert window.run("return window.same") is True


def test_what_a_server_writes_is_text_in_the_page_and_in_what_comes(
    folder: Path, served: Monitor, window: Browser
) -> None:
    look(window, served, "/logs")
    append(folder, "orders", line(300, harmless(HOSTILE).decode()))
    until(lambda: sum("onerror" in each for each in shown(window)) == 2, "both lines are there")
    assert window.run("return document.querySelectorAll('#lines img, #lines script').length") == 0
    assert window.run("return document.title") == "Logs of all servers · MCP"


def test_a_search_filters_while_somebody_types_and_goes_on_with_what_comes(
    folder: Path, served: Monitor, window: Browser
) -> None:
    look(window, served, "/logs")
    window.run("""const field = document.querySelector('input[type=search]'); field.value = 'error of';
        field.dispatchEvent(new Event('input', {bubbles: true}))""")
    until(lambda: shown(window) == ["ERROR of orders"], "what is found is there")
    append(folder, "time", line(300, "INFO nothing") + line(301, "an Error of time"))
    until(lambda: shown(window) == ["ERROR of orders", "an Error of time"], "what comes is there")
    assert window.run("return location.search") == "?q=error+of"
    assert "q=error+of" in window.run("return document.getElementById('download').href")


def test_who_reads_above_stays_there_and_is_told_what_came(folder: Path, served: Monitor, window: Browser) -> None:
    look(window, served, "/logs?server=time")
    window.run("document.getElementById('lines').scrollTop = 100")
    append(folder, "time", b"".join(line(300 + number, f"new {number}") for number in range(5)))
    button = "return document.getElementById('fresh').hidden ? '' : document.getElementById('fresh').textContent"
    until(lambda: window.run(button) == "5 new lines below", "the button says so")
    assert window.run("return document.getElementById('lines').scrollTop") == 100
    window.run("document.getElementById('fresh').click()")
    end = "const box = document.getElementById('lines'); return box.scrollHeight - box.scrollTop - box.clientHeight"
    until(lambda: abs(window.run(end)) < 2, "the end is shown")
    assert window.run(button) == ""


def test_a_flood_leaves_a_page_that_answers_and_is_bounded(folder: Path, served: Monitor, window: Browser) -> None:
    look(window, served, "/logs?server=time")
    for second in range(4):
        append(folder, "time", b"".join(line(300 + second, f"flood {number}") for number in range(30_000)))
        until(lambda: "left out" in window.run(SAYS), "the page says that lines are left out")
    append(folder, "time", line(400, "after the flood"))
    until(lambda: shown(window)[-1] == "after the flood", "what comes after it is there")
    assert window.run("return document.getElementById('lines').childElementCount") <= 3000


def test_nothing_is_asked_for_while_nobody_looks_and_what_was_missed_comes_then(
    folder: Path, served: Monitor, window: Browser
) -> None:
    look(window, served, "/logs?server=time")
    append(folder, "time", line(300, "seen"))
    until(lambda: shown(window)[-1] == "seen", "the line is there")
    visibility = """Object.defineProperty(document, 'visibilityState', {value: '%s', configurable: true});
        document.dispatchEvent(new Event('visibilitychange'))"""
    window.run(visibility % "hidden")
    append(folder, "time", line(301, "missed"))
    asked = "return performance.getEntriesByType('resource').length"
    before = window.run(asked)
    window.run("return new Promise(done => setTimeout(done, 1500))")
    assert (shown(window)[-1], window.run(asked)) == ("seen", before)
    window.run(visibility % "visible")
    until(lambda: shown(window)[-2:] == ["seen", "missed"], "what was missed is there once")


def test_without_scripts_the_form_finds_the_same(served: Monitor, window: Browser) -> None:
    body, _seconds = served.get(f"/logs?q=old+1&level=info&until={at(15).replace(':', '%3A')}")
    assert body.count(b"<span>INFO old") == 6  # 1, 10 to 14
    assert b'name="q" value="old 1"' in body
