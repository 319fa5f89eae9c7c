"""The local load balancer's data plane: what a page in a browser on this host, and a client that lies about the length
of its requests, cannot do."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.e2e.support.local_alb import LocalAlb, running
from tests.e2e.support.upstream import PATIENCE_SECONDS
from tests.security.chromium import browsing, pages

ALLOWED = ("--allowed-host", "mcp.example.com", "--allowed-origin", "https://app.example.com")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAlb]:
    with running(LocalAlb(tmp_path_factory.mktemp("alb"), *ALLOWED)) as host:
        group = host.group("mcp-time", host.upstream("time").port)
        host.rule(1, ["/mcp/time", "/mcp/time/*"], group)
        named = [{"Field": "host-header", "HostHeaderConfig": {"Values": ["*.shop.example"]}}]
        host.rule(2, None, group, Conditions=named)
        host.healthy(group)
        yield host


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "LOCALHOST:1"},
        {"Host": "[::1]:8080"},
        {"Host": "mcp.example.com"},
        {"Host": "a.shop.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://mcp.example.com"},
        {"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_clients_of_this_host_and_pages_that_were_named_are_served(host: LocalAlb, headers: dict[str, str]) -> None:
    assert host.send("/mcp/time", headers, "POST", "{}").status == 200


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Host": "rebound.example"}, "Host 'rebound.example' is not a name of this listener."),
        ({"Host": "rebound.example:8080"}, "[security] allowed_hosts of settings.conf"),
        ({"Host": "localhost.rebound.example"}, "Host 'localhost.rebound.example'"),
        ({"Host": "rebound.example, localhost"}, "Host 'rebound.example??localhost'"),
        ({"Host": "192.0.2.1"}, "Host '192.0.2.1'"),
        ({"Host": ""}, "Host ''"),
        ({"Origin": "http://rebound.example:8080"}, "Origin 'http://rebound.example:8080' may not speak"),
        ({"Origin": "http://localhost.rebound.example"}, "[security] allowed_origins of settings.conf"),
        ({"Origin": "https://app.example.com.rebound.example"}, "Origin 'https://app.example.com.rebound.example'"),
        ({"Origin": "http://app.example.com"}, "Origin 'http://app.example.com'"),
        ({"Origin": "null"}, "Origin 'null'"),
        ({"Origin": "http://x/?http://localhost"}, "Origin 'http://x/?http://localhost'"),
        ({"Sec-Fetch-Site": "cross-site"}, "A page of another site made this request"),
    ],
    ids=str,
)
def test_a_page_of_elsewhere_reaches_nothing_and_is_told_why(
    host: LocalAlb, headers: dict[str, str], said: str
) -> None:
    (upstream,) = host.upstreams
    before = upstream.requests
    for path in ("/mcp/time", "/nowhere", "/monitor"):
        reply = host.send(path, headers, "POST", "{}")
        assert (reply.status, reply.headers["content-type"]) == (403, "text/plain")
        assert said in reply.body.decode()
    assert upstream.requests == before


def test_a_refused_value_is_repeated_without_its_markup_and_not_at_length(host: LocalAlb) -> None:
    reply = host.get("/mcp/time", Origin="<script>alert(1)</script>" + "x" * 5000)
    assert reply.status == 403
    assert b"<" not in reply.body
    assert len(reply.body) < 400
    assert reply.headers["x-content-type-options"] == "nosniff"


# What a page sends to a server that answers to anybody: from its own script, without asking, and as a picture.
TRIES = """
const [url] = given;
const tries = {
  read: () => fetch(url),
  post: () => fetch(url, {method: "POST", body: "{}"}),
  blind: () => fetch(url, {method: "POST", mode: "no-cors", body: "{}"}),
  image: () => new Promise((resolve) => { const image = new Image(); image.src = url;
                       image.onload = () => resolve({status: "loaded"}); image.onerror = () => resolve({status: 0}); }),
};
const found = {};
for (const [name, attempt] of Object.entries(tries)) {
  try { found[name] = (await attempt()).status; } catch (error) { found[name] = 0; }
}
return found;
"""
REBOUND, FOREIGN = "rebound.example", "evil.example"


@pytest.mark.skipif(not (shutil.which("chromium") and shutil.which("chromedriver")), reason="there is no Chromium here")
def test_pages_in_a_real_browser_reach_no_server_but_those_of_this_host(host: LocalAlb) -> None:
    (upstream,) = host.upstreams
    with pages() as page_port, browsing(REBOUND, FOREIGN, "localhost") as browser:
        before = upstream.requests
        browser.open(f"http://{REBOUND}:{host.port}/mcp/time")
        assert browser.run("return document.body.innerText").startswith(f"Host '{REBOUND}:{host.port}' is not a name")
        assert set(browser.run(TRIES, f"http://{REBOUND}:{host.port}/mcp/time").values()) <= {0, 403}
        browser.open(f"http://{FOREIGN}:{page_port}/")
        assert set(browser.run(TRIES, f"http://127.0.0.1:{host.port}/mcp/time").values()) == {0}
        assert upstream.requests == before

        browser.open(f"http://localhost:{host.port}/mcp/time")
        found = browser.run(TRIES, f"http://localhost:{host.port}/mcp/time")
        assert (found["read"], found["post"]) == (200, 200)
        assert upstream.requests > before


class Wire:
    """A target that keeps every byte it gets, and answers each request with an empty 200."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(PATIENCE_SECONDS)
            data = b""
            while not _complete(data):
                try:
                    more = connection.recv(65536)
                except OSError:
                    return
                if not more:
                    return
                data += more
            if not data.startswith(b"GET /health"):
                self.received.append(data)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        self._listener.close()


def _complete(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    lowered = head.lower()
    if not end:
        return False
    if b"\r\ntransfer-encoding: chunked" in lowered:
        return body.startswith(b"0\r\n\r\n") or (b"\r\n0\r\n" in body and body.endswith(b"\r\n\r\n"))
    length = [line.split(b":")[1] for line in lowered.split(b"\r\n") if line.startswith(b"content-length:")]
    return len(body) >= int(length[0]) if length else True


@pytest.fixture
def wire(host: LocalAlb) -> Iterator[Wire]:
    wire = Wire()
    group = host.group("mcp-wire", wire.port)
    rule = host.rule(9, ["/wire"], group)
    host.healthy(group)
    yield wire
    host.client.delete_rule(RuleArn=rule)
    host.client.delete_target_group(TargetGroupArn=group)
    wire.close()


def raw(host: LocalAlb, request: bytes) -> bytes:
    """What comes back for these very bytes, until the connection is closed."""
    with socket.create_connection(("127.0.0.1", host.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65536):
            answer += more
        return answer


def test_trailers_of_a_request_never_become_headers(host: LocalAlb, wire: Wire) -> None:
    request = (
        b"POST /wire HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n"
        b"2\r\nhi\r\n0\r\nAuthorization: Bearer trailer\r\nX-Forwarded-For: 203.0.113.9\r\nHost: evil.example\r\n\r\n"
    )
    assert raw(host, request).startswith(b"HTTP/1.1 200")
    ((head, _, rest),) = [data.partition(b"\r\n\r\n") for data in wire.received]
    assert b"Bearer trailer" not in head
    assert b"203.0.113.9" not in head
    assert b"evil.example" not in head
    assert rest.startswith(b"2\r\nhi\r\n0\r\n")  # where trailers go on, they go on behind the last chunk


SMUGGLED = b"GET /wire?smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 6\r\nContent-Length: 5",
        b"Content-Length: +5",
        b"Content-Length: 0x5",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding : chunked",
        b"X: y\r\n Transfer-Encoding: chunked",
        b"LocalAlb: evil.example",
        b"X\x00: y",
    ],
    ids=str,
)
def test_a_request_that_two_readers_could_take_for_different_ones_does_not_pass(
    host: LocalAlb, wire: Wire, head: bytes
) -> None:
    answer = raw(host, b"POST /wire HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n0\r\n\r\n" + SMUGGLED)
    assert all(b"smuggled" not in data.partition(b"\r\n\r\n")[2] for data in wire.received)
    for data in wire.received:
        lengths = [line for line in data.partition(b"\r\n\r\n")[0].lower().split(b"\r\n") if b"content-length" in line]
        assert len(lengths) + (b"transfer-encoding: chunked" in data.lower()) <= 1
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403", b"HTTP/1.1 200", b"HTTP/1.1 501"))


def test_chunks_win_over_a_length_and_the_length_goes_no_further(host: LocalAlb, wire: Wire) -> None:
    request = (
        b"POST /wire HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    raw(host, request + SMUGGLED)
    posted = [data for data in wire.received if data.startswith(b"POST")]
    assert all(b"content-length" not in data.lower() for data in posted)
    assert all(b"smuggled" not in data for data in posted)
