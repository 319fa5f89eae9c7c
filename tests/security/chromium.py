"""A real browser, driven by its own driver over the W3C's protocol (https://www.w3.org/TR/webdriver2/)."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.e2e.support.ports import free_port, listens
from tests.e2e.support.waiting import until

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",  # it may run as root, where it refuses to have one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
]


class Browser:
    """One window of Chromium. `hosts`: names that lead to this machine."""

    def __init__(self, port: int, hosts: list[str]) -> None:
        self._port = port
        rules = ", ".join([*(f"MAP {host} 127.0.0.1" for host in hosts), "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"])
        options = {"args": [*ARGUMENTS, f"--host-resolver-rules={rules}"]}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": 60_000},
        }
        self._session = ""
        self._session = self._command("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def open(self, url: str) -> None:
        """Goes to `url` and waits until it is there."""
        self._command("POST", "/url", {"url": url})

    def arrives(self, at: str) -> None:
        """Waits until the window has the whole of a page whose address has `at` in it."""

        def is_there() -> bool:
            try:
                state, address = self.run("return [document.readyState, location.href]")
            except (AssertionError, ValueError):  # it is between two pages
                return False
            return state == "complete" and at in address

        until(is_there, f"the window is at {at}")

    def resize(self, width: int, height: int) -> None:
        """Makes the window so large, in pixels; Chromium has at least 500 of width."""
        self._command("POST", "/window/rect", {"width": width, "height": height})

    def run(self, script: str, *arguments: Any) -> Any:
        """What the asynchronous `script`, a function's body, returns in the page; its error's text if it throws."""
        body = f"""const done = arguments[arguments.length - 1];
            const given = [...arguments].slice(0, -1);
            (async () => {{ {script} }})().then(done, error => done(String(error)))"""
        return self._command("POST", "/execute/async", {"script": body, "args": list(arguments)})

    def shape(self, width: int, height: int, scheme: str) -> None:
        """Makes the page's window that large, and the user one who prefers the scheme: light or dark."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._devtools("Emulation.setDeviceMetricsOverride", **size)
        self._devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def complaints(self) -> list[str]:
        """What the browser has complained of since the last question, breaches of a page's policy among it."""
        found = self._command("POST", "/se/log", {"type": "browser"})
        return [each["message"] for each in found if each["level"] in ("SEVERE", "WARNING")]

    @contextmanager
    def without_scripts(self) -> Iterator[None]:
        """Pages that are opened in the block run no script of theirs."""
        self._devtools("Emulation.setScriptExecutionDisabled", value=True)
        try:
            yield
        finally:
            self._devtools("Emulation.setScriptExecutionDisabled", value=False)

    @contextmanager
    def another_tab(self) -> Iterator[None]:
        """What is done in the block is done in another tab, which is closed at its end."""
        first = self._command("GET", "/window", None)
        self._command("POST", "/window", {"handle": self._command("POST", "/window/new", {"type": "tab"})["handle"]})
        try:
            yield
        finally:
            self._command("DELETE", "/window", None)
            self._command("POST", "/window", {"handle": first})

    def hide_scrollbars(self) -> None:
        """Leaves out the bars to scroll by, on pages that are opened from now on."""
        self._devtools("Emulation.setScrollbarsHidden", hidden=True)

    def picture(self) -> bytes:
        """What the window shows, as PNG."""
        return base64.b64decode(self._command("GET", "/screenshot", None))

    def click(self, selector: str) -> None:
        """Clicks the first element that the selector of CSS finds, as a mouse does."""
        self._command("POST", f"/element/{self._find(selector)}/click", {})

    def press(self, key: str) -> None:
        """Presses a key, which WebDriver has a character for (https://www.w3.org/TR/webdriver2/#keyboard-actions)."""
        strokes = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._command("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def _find(self, selector: str) -> str:
        found = self._command("POST", "/element", {"using": "css selector", "value": selector})
        return str(next(iter(found.values())))

    def _devtools(self, method: str, **parameters: Any) -> None:
        self._command("POST", "/goog/cdp/execute", {"cmd": method, "params": parameters})

    def close(self) -> None:
        self._command("DELETE", "", None)

    def _command(self, method: str, path: str, body: Any) -> Any:
        prefix = f"/session/{self._session}" if self._session else ""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=120)
        connection.request(method, prefix + path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        value = json.loads(answer.read())["value"]
        connection.close()
        assert answer.status == 200, value
        return value


@contextmanager
def browsing(*hosts: str) -> Iterator[Browser]:
    """A browser, which ends with its driver. Names other than `hosts` lead nowhere."""
    port = free_port()
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: listens(port), "chromedriver listens")
        browser = Browser(port, list(hosts))
        try:
            yield browser
        finally:
            browser.close()
    finally:
        driver.terminate()
        driver.wait(60)


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>a page</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def pages() -> Iterator[int]:
    """The port of a web server with the same empty page at every host and path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
