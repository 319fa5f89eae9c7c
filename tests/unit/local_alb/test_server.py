"""The HTTP server of the control plane."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_alb.api.server import ControlServer

from tests.unit.local_alb.inprocess import Alb, signed


def counted(query: str) -> bytes | None:
    return None if query == "gone" else f"haproxy_up 1 # {query}\n".encode()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ControlServer]:
    alb = Alb(tmp_path)
    server = ControlServer(("127.0.0.1", 0), alb.api, lambda: {"current": True}, counted, alb.faults)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(server: ControlServer, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    try:
        connection.request(method, path, body or None, {name.replace("_", "-"): text for name, text in headers.items()})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def test_health_is_told_without_a_signature(server: ControlServer) -> None:
    assert ask(server, "GET", "/health") == (200, '{"current": true}')


def test_what_haproxy_counts_is_told_to_programs_on_the_host(server: ControlServer) -> None:
    assert ask(server, "GET", "/metrics?scope=backend") == (200, "haproxy_up 1 # scope=backend\n")
    assert ask(server, "GET", "/metrics?gone")[0] == 503
    assert ask(server, "GET", "/metrics", Host="evil.example")[0] == 403


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_pages_of_a_browser_cannot_reach_it_by_a_name_of_their_own(server: ControlServer, method: str) -> None:
    for path in ("/", "/health", "/faults"):
        assert ask(server, method, path, Host="evil.example:8481")[0] == 403
    for host in ("localhost", "127.0.0.1:1", "[::1]:1"):
        assert ask(server, "GET", "/health", Host=host)[0] == 200


def test_a_form_that_a_browser_could_post_is_refused(server: ControlServer) -> None:
    status, text = ask(server, "POST", "/", "Action=DescribeRules&Version=2015-12-01")
    assert status == 403
    assert "MissingAuthenticationToken" in text


def test_a_body_without_a_length_or_with_too_much_of_one_is_refused(server: ControlServer) -> None:
    for length in ("-1", "x", "99999999"):
        assert ask(server, "POST", "/", Content_Length=length)[0] == 413
    assert ask(server, "POST", "/", Transfer_Encoding="chunked")[0] == 413


def test_faults_are_set_and_seen_over_http(server: ControlServer) -> None:
    assert ask(server, "PUT", "/faults", json.dumps({"faults": []}))[0] == 204
    assert json.loads(ask(server, "GET", "/faults")[1]) == {"calls": []}
    assert ask(server, "PUT", "/faults", "{")[0] == 400


def test_faults_are_not_there_unless_they_were_asked_for(server: ControlServer) -> None:
    server.faults = None
    assert ask(server, "PUT", "/faults", json.dumps({"faults": []}))[0] == 404
    assert ask(server, "GET", "/faults")[0] == 404


def test_a_dropped_call_closes_the_connection(server: ControlServer) -> None:
    ask(server, "PUT", "/faults", json.dumps({"faults": [{"drop": True}]}))
    request = signed("Action=DescribeAccountLimits&Version=2015-12-01")
    headers = {name.replace("-", "_"): value for name, value in request.headers if name != "Content-Length"}
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(server, "POST", "/", request.body.decode(), **headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_signed_request_is_performed_and_its_signature_is_of_no_use_for_another(
    server: ControlServer, method: str
) -> None:
    form = "Action=DescribeAccountLimits&Version=2015-12-01"
    request = signed(form, method=method)
    headers = {name.replace("-", "_"): value for name, value in request.headers if name != "Content-Length"}
    assert ask(server, method, request.target, request.body.decode(), **headers)[0] == 200
    other = form.replace("DescribeAccountLimits", "DescribeRules")
    status, text = ask(server, "POST", "/", other, **headers)
    assert status == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in text
    status, text = ask(server, "GET", f"/?{other}", **headers)
    assert status == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in text
