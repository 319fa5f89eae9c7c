"""The scrape list, and what is scraped through the monitor of its neighbours."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from monitor.metrics import neighbour
from monitor.metrics.balancer import kept
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.monitor.api.program import Program

PAGE = b"# HELP mcp_bridge_healthy x\n# TYPE mcp_bridge_healthy gauge\nmcp_bridge_healthy 1\n"
HAPROXY = b"""\
# HELP haproxy_process_nbthread Number of threads
# TYPE haproxy_process_nbthread gauge
haproxy_process_nbthread 2
# HELP haproxy_process_requests_total Requests
# TYPE haproxy_process_requests_total counter
haproxy_process_requests_total 7
# HELP haproxy_backend_http_responses_total Responses
# TYPE haproxy_backend_http_responses_total counter
haproxy_backend_http_responses_total{proxy="mcp-time.0a1b",code="2xx"} 5
haproxy_backend_http_responses_total{proxy="answer.80.default",code="4xx"} 1
"""
ID = "ab12" * 16


class Neighbour(BaseHTTPRequestHandler):
    """Answers with the page of its server."""

    answer: Callable[[BaseHTTPRequestHandler], None]

    def do_GET(self) -> None:
        type(self).answer(self)

    def log_message(self, *_arguments: Any) -> None: ...


def page(content: bytes, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        assert not any(name in handler.headers for name in ("X-Forwarded-For", "Via", "Authorization", "Cookie"))
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Starts a neighbour on a port, which it returns."""
    servers: list[socketserver.BaseServer] = []

    def start(answer: Callable[[BaseHTTPRequestHandler], None]) -> int:
        handler = type("Answering", (Neighbour,), {"answer": staticmethod(answer)})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def contain(program: Program, **servers: list[dict[str, Any]]) -> None:
    """Writes which containers there are."""
    (program.directory / "samples").mkdir(exist_ok=True)
    found = {"version": 1, "servers": servers}
    (program.directory / "samples" / "containers.json").write_text(json.dumps(found))


def container(port: int | None, identity: str = ID, **changes: Any) -> dict[str, Any]:
    plain = {"id": identity, "generation": "5f1c", "replica": "1", "is_running": True, "is_bridged": True, "port": port}
    return {**plain, **changes}


def test_the_list_leads_to_the_fleet_the_balancer_and_each_bridge_that_runs(program: Program) -> None:
    other = container(20002, "cd" * 32, replica="2")
    gone, native = container(20003, "ef" * 32, is_running=False), container(8000, "01" * 32, is_bridged=False)
    contain(program, time=[container(20001), other, gone], orders=[native])
    program.sources.__dict__["balancer_metrics"] = ("127.0.0.1", 8481)
    told = program.ask("/targets", below="/monitor", host="mcp.example.com", x_forwarded_proto="https")
    assert told.headers["content-type"] == "application/json"
    host = socket.gethostname()
    shared = {"__scheme__": "https", "fleet": "mcp", "host": host}
    bridge = {**shared, "server": "time", "generation": "5f1c"}
    below = "/monitor/metrics/bridges"
    assert [each["targets"] for each in told.document] == [["mcp.example.com"]] * 4
    assert [each["labels"] for each in told.document] == [
        {**shared, "__metrics_path__": "/monitor/metrics", "instance": host},
        {**shared, "__metrics_path__": "/monitor/metrics/balancer", "instance": f"{host}/balancer"},
        {**bridge, "__metrics_path__": f"{below}/ab12ab12ab12", "replica": "1", "instance": f"{host}/time/1"},
        {**bridge, "__metrics_path__": f"{below}/cdcdcdcdcdcd", "replica": "2", "instance": f"{host}/time/2"},
    ]  # fmt: skip


def test_the_files_of_logs_are_listed_with_what_each_server_is(program: Program) -> None:
    logs, calls = program.ask("/targets?of=logs").document[:2]
    assert logs["labels"] == {
        "__path__": str(program.directory / "logs" / "everything" / "*.log"),
        "fleet": "mcp",
        "host": socket.gethostname(),
        "server": "everything",
        "container_name": "mcp-everything",
        "mcp_type": "stdio",
        "mcp_tools_count": "11",
    }
    assert calls["labels"] == {**logs["labels"], "__path__": logs["labels"]["__path__"].replace("/logs/", "/calls/")}


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8482", 200), ("[::1]:8482", 200), ("a b", 400), ("x/y", 400), ("", 400), ("h:123456", 400)],
)
def test_targets_are_where_the_list_was_asked_for(program: Program, host: str, status: int) -> None:
    told = program.ask("/targets", host=host)
    assert told.status == status
    if status == 200:
        assert [each["targets"] for each in told.document] == [[host]]
        assert told.document[0]["labels"]["__scheme__"] == "http"


def test_a_bridge_is_asked_as_a_program_on_the_host(program: Program, serve: Callable[..., int]) -> None:
    contain(program, time=[container(serve(page(PAGE)))])
    told = program.ask(f"/metrics/bridges/{ID[:12]}", x_forwarded_for="203.0.113.9")
    assert (told.status, told.body) == (200, PAGE)
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert program.ask(f"/metrics/bridges/{ID[:12]}", token=None).status == 401


@pytest.mark.parametrize(
    ("container_name", "status"), [("0" * 12, 404), ("..", 400), ("ab12", 400), (ID, 400), ("127.0.0.1:22", 400)]
)
def test_only_what_runs_here_with_a_bridge_is_asked(program: Program, container_name: str, status: int) -> None:
    contain(program, time=[container(1)], orders=[container(1, "0" * 64, is_bridged=False)])
    assert program.ask(f"/metrics/bridges/{container_name}").status == status


def slow(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(2)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(PAGE, 404), "it answers 404"),
        (page(b"x" * 5000), "more than"),
        (lambda handler: handler.wfile.write(b"\x00\x01 nonsense\r\n\r\n"), "nonsense"),
        (slow, "no answer in 0.2 s"),
    ],
)
def test_a_neighbour_that_answers_something_else_is_told_and_holds_nobody(
    program: Program, serve: Callable[..., int], monkeypatch: pytest.MonkeyPatch, answer: Any, said: str
) -> None:
    monkeypatch.setattr(neighbour, "LARGEST", 4096)
    monkeypatch.setattr(neighbour, "SECONDS", 0.2)
    contain(program, time=[container(serve(answer))])
    told = program.ask(f"/metrics/bridges/{ID[:12]}")
    assert told.status == 503
    assert said in told.document["detail"]


def test_one_that_is_gone_is_told(program: Program) -> None:
    contain(program, time=[container(1)])
    told = program.ask(f"/metrics/bridges/{ID[:12]}")
    assert (told.status, "nothing listens" in told.document["detail"]) == (404, True)


def test_the_balancer_is_asked_at_its_control_plane_and_told_with_servers(
    program: Program, serve: Callable[..., int]
) -> None:
    assert program.ask("/metrics/balancer").status == 404
    program.sources.__dict__["balancer_metrics"] = ("127.0.0.1", serve(page(HAPROXY)))
    told = program.ask("/metrics/balancer")
    assert told.status == 200
    names = {each.name for family in text_string_to_metric_families(told.body.decode()) for each in family.samples}
    assert names == {"haproxy_process_requests_total", "haproxy_backend_http_responses_total"}


def test_a_balancers_backend_has_the_server_of_its_target_group() -> None:
    found = kept(HAPROXY, {"mcp-time": "time"}).decode()
    assert 'haproxy_backend_http_responses_total{server="time",proxy="mcp-time.0a1b",code="2xx"} 5' in found
    assert 'server="",proxy="answer.80.default"' in found
    assert "nbthread" not in found
    assert found.count("# HELP") == found.count("# TYPE") == 2
