"""Pages of an allowed origin use a server from a real browser; those of any other get nothing, and start nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support.local_alb import LocalAlb, running
from tests.security.chromium import Browser, browsing, pages
from tests.unit.bridge.client import Bridge, Client, start, until

ALLOWED, FOREIGN, REBOUND = "app.example", "evil.example", "rebound.example"
SERVER = "mcp.example"
pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="there is no Chromium here"
)

# A client in a few lines: initialize, a call, the listening stream, and the end of the session.
CLIENT = """
const [url] = given;
const headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                 "Authorization": "Bearer t0k3n", "Mcp-Param-Region": "eu"};
let session = null;
const post = async (message) => {
  const more = session ? {"Mcp-Session-Id": session, "Mcp-Protocol-Version": "2025-11-25"} : {};
  const reply = await fetch(url, {method: "POST", headers: {...headers, ...more}, body: JSON.stringify(message)});
  session = session || reply.headers.get("Mcp-Session-Id");
  const text = await reply.text();
  return text.includes("data: {") ? JSON.parse(text.match(/data: (\\{.*\\})/)[1]) : text ? JSON.parse(text) : null;
};
const hello = await post({jsonrpc: "2.0", id: 1, method: "initialize", params: {
  protocolVersion: "2025-11-25", capabilities: {}, clientInfo: {name: "page", version: "1"}}});
await post({jsonrpc: "2.0", method: "notifications/initialized"});
const called = await post({jsonrpc: "2.0", id: 2, method: "tools/call", params: {
  name: "echo", arguments: {text: "from a page"}}});
const named = {"Mcp-Session-Id": session};
const stream = await fetch(url, {headers: {...named, "Accept": "text/event-stream", "Last-Event-ID": "0-0"}});
await stream.body.cancel();
const unknown = await fetch(url, {method: "DELETE", headers: {"Mcp-Session-Id": "nobody's"}});
const ended = await fetch(url, {method: "DELETE", headers: named});
return {session, server: hello.result.serverInfo.name, text: called.result.content[0].text,
        stream: stream.status, unknown: unknown.status, ended: ended.status};
"""

# Whatever a page can try: what it may read, what it sends without asking, and what it embeds.
TRIES = """
const [url, root] = given;
const tries = {
  initialize: () => fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"}),
  plain: () => fetch(url, {method: "POST", body: "{}"}),
  read: () => fetch(url, {headers: {"Accept": "text/event-stream"}}),
  health: () => fetch(root + "/health"),
  metrics: () => fetch(root + "/metrics"),
  end: () => fetch(url, {method: "DELETE"}),
  blind: async () => { const reply = await fetch(url, {method: "POST", mode: "no-cors", body: "{}"});
                       return {status: reply.type + reply.status}; },
  image: () => new Promise((resolve, reject) => { const image = new Image(); image.src = root + "/sse";
                       image.onload = () => resolve({status: "loaded"}); image.onerror = () => reject("no"); }),
  script: () => new Promise((resolve, reject) => { const script = document.createElement("script");
                       script.src = root + "/sse"; document.head.append(script);
                       script.onload = () => resolve({status: "loaded"}); script.onerror = () => reject("no"); }),
  events: () => new Promise((resolve, reject) => { const events = new EventSource(root + "/sse");
                       events.addEventListener("endpoint", () => resolve({status: "opened"}));
                       events.onerror = () => { events.close(); reject("no"); }; }),
};
const found = {};
for (const [name, attempt] of Object.entries(tries)) {
  const late = new Promise(resolve => setTimeout(() => resolve({status: "no end"}), 4000));
  try { found[name] = String((await Promise.race([attempt(), late])).status); }
  catch (error) { found[name] = "nothing"; }
}
return found;
"""


@pytest.fixture(scope="module")
def page_port() -> Iterator[int]:
    with pages() as port:
        yield port


@pytest.fixture(scope="module")
def bridge(page_port: int) -> Iterator[Bridge]:
    bridge = start("--allow-origin", f"http://{ALLOWED}:{page_port}", "--warm-processes", "0")
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing(ALLOWED, FOREIGN, REBOUND, SERVER) as browser:
        yield browser


def test_a_page_of_an_allowed_origin_is_a_client_like_any_other(
    browser: Browser, bridge: Bridge, page_port: int
) -> None:
    browser.open(f"http://{ALLOWED}:{page_port}/")
    found = browser.run(CLIENT, f"http://{SERVER}:{bridge.port}/mcp/x/mcp")
    assert isinstance(found, dict), found
    assert len(found.pop("session")) == 32
    assert found == {
        "server": "hostile",
        "text": "from a page",
        "stream": 200,
        "unknown": 404,
        "ended": 204,
    }
    until(lambda: bridge.health()["sessions"] == 0)


@pytest.mark.parametrize("host", [FOREIGN, f"sub.{ALLOWED}", SERVER])
def test_a_page_of_another_origin_gets_nothing_and_starts_nothing(
    browser: Browser, bridge: Bridge, page_port: int, host: str
) -> None:
    if host.startswith("sub."):
        with browsing(host, SERVER) as other:
            found = tried(other, bridge, f"http://{host}:{page_port}/", SERVER)
    else:
        found = tried(browser, bridge, f"http://{host}:{page_port}/", SERVER)
    assert set(found.values()) == {"nothing", "opaque0"}, found
    assert found["blind"] == "opaque0"


def test_a_page_whose_name_was_led_here_gets_nothing_but_the_state(browser: Browser, bridge: Bridge) -> None:
    """DNS rebinding: the page and the bridge are of one origin, as the browser sees it."""
    home = f"http://{REBOUND}:{bridge.port}"
    found = tried(browser, bridge, f"{home}/health", REBOUND)
    statuses = {name: found.pop(name) for name in ("initialize", "plain", "read", "end", "blind", "health", "metrics")}
    assert statuses.pop("health") == "200"
    assert statuses.pop("metrics") == "404"
    assert statuses.pop("blind") == "basic403"
    assert statuses.pop("read") == "400"  # it has no session, and cannot open one
    assert set(statuses.values()) == {"403"}
    assert set(found.values()) == {"nothing"}
    assert browser.run("return Object.keys(await (await fetch('/health')).json())") == ["state", "kind"]


def tried(browser: Browser, bridge: Bridge, page: str, host: str) -> dict[str, str]:
    """What each try of `page` brought it, by name. No process is started for any."""
    before = bridge.health()
    browser.open(page)
    root = f"http://{host}:{bridge.port}/mcp/x"
    found = browser.run(TRIES, root + "/mcp", root)
    assert isinstance(found, dict), found
    after = bridge.health()
    assert [after[key] for key in ("starts", "sessions", "calls")] == [
        before[key] for key in ("starts", "sessions", "calls")
    ]
    return found


def test_through_the_local_load_balancer_pages_fare_the_same_and_numbers_stay_behind(
    browser: Browser, bridge: Bridge, page_port: int, tmp_path: Path
) -> None:
    origin = f"http://{ALLOWED}:{page_port}"
    with running(LocalAlb(tmp_path, "--allowed-host", SERVER, "--allowed-origin", origin)) as host:
        group = host.group("mcp-x", bridge.port)
        host.rule(1, ["/mcp/x", "/mcp/x/*"], group)
        host.healthy(group)
        url = f"http://{SERVER}:{host.port}/mcp/x/mcp"
        browser.open(f"{origin}/")
        assert browser.run(CLIENT, url)["text"] == "from a page"
        browser.open(f"http://{FOREIGN}:{page_port}/")
        assert browser.run("return (await fetch(given[0], {method: 'POST', body: '{}'})).status", url) == (
            "TypeError: Failed to fetch"
        )
        assert json.loads(host.get("/mcp/x/health").body) == {"state": "ok", "kind": "ok"}
        assert host.get("/mcp/x/metrics").status == 404
    assert "sessions" in bridge.health()


def test_a_client_that_is_no_browser_is_not_concerned(bridge: Bridge) -> None:
    client = Client(bridge)
    client.open()
    assert client.call("echo", text="x") == "x"
    client.delete()
