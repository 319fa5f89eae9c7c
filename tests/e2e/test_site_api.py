"""The whole life of a server by curl and by the MCP tools, through the balancer, with a watcher that starts runs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.support.api_token import make_token
from tests.e2e.support.assistant import ERAS, Assistant, Inspector, text_of
from tests.e2e.support.client import answers as answers_at
from tests.e2e.support.client import call
from tests.e2e.support.site import COLLECTOR_PORT, FLEET, PROMETHEUS, USERS, Site, settings
from tests.e2e.support.waiting import until
from tests.hosts.files import deviations, files, table
from tests.observability.prometheus import results
from tests.unit.traces.collector import Collector, Taken, collector

TEMPLATE = {
    "description": "The time.",
    "capabilities": ["tools"],
    "versions": {"1": {"command": "docker", "args": ["run", "-i", "--rm", "-e", "TZ", "mcp-sample/time:1"]}},
}
CANARY = "canary-7d1f0c"
# A change asked for on a machine with a lot else to do.
PATIENCE = 180.0
pytestmark = pytest.mark.keeps_its_watcher
with_inspector = pytest.mark.skipif("MCP_INSPECTOR" not in os.environ, reason="make inspector: its packages are 110 MB")


@dataclass(frozen=True)
class Told:
    """What curl got."""

    status: int
    body: str

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Curl:
    """Calls the API with a token of its own."""

    def __init__(self, site: Site, scope: str) -> None:
        self.site = site
        self._token = make_token(site, scope)

    def __call__(self, path: str, *options: str, below: str = "api/v1") -> Told:
        """Returns what a call is answered with; ``options`` are curl's."""
        found = subprocess.run(
            [
                *(
                    "curl",
                    "-sS",
                    "--max-time",
                    "120",
                    "-w",
                    "\n%{http_code}",
                    "-H",
                    f"Authorization: Bearer {self._token}",
                ),
                *(f"{self.site.url}/monitor/{below}/{path}", *options),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        body, _, status = found.stdout.rpartition("\n")
        return Told(int(status), body)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Collector]:
    with collector(COLLECTOR_PORT) as found:
        yield found


@pytest.fixture(scope="module")
def watched(site: Site, receiver: Collector) -> Site:
    (site.etc / "otel.token").write_text(f"{CANARY}-otel\n")
    traces = f"endpoint = {receiver.endpoint}\nheaders = Authorization=Bearer ${{file:{site.etc}/otel.token}}"
    more = f"[dashboard]\nregistry = public\n[traces]\n{traces}\n"
    (site.etc / "settings.conf").write_text(settings(watcher=True) + more)
    (site.etc / "templates").mkdir(exist_ok=True)
    (site.etc / "templates" / "clock.json").write_text(json.dumps(TEMPLATE))
    run = site.install()
    assert run.code == 0, run.output
    answers_at(f"{site.url}/monitor/health", 200)
    return site


@pytest.fixture(scope="module")
def admin(watched: Site) -> Curl:
    return Curl(watched, "admin")


def running(site: Site, server: str) -> list[str]:
    """The ids of a server's containers that run."""
    found = site.docker.containers.list(filters={"label": [f"mcp_service={server}", f"mcp_fleet={FLEET}"]})
    return [str(each.id) for each in found]


def answers(site: Site, server: str) -> bool:
    """Whether a server answers an initialize through the balancer."""
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    found = subprocess.run(
        [
            *("curl", "-s", "--max-time", "60", "-o", os.devnull, "-w", "%{http_code}", "--json", json.dumps(hello)),
            *("-H", "Accept: application/json, text/event-stream", f"{site.url}/mcp/{server}/mcp"),
        ],
        capture_output=True,
        text=True,
    )
    return found.stdout == "200"


def done(admin: Curl, asked: dict[str, Any]) -> dict[str, Any]:
    """What came of a change. On a busy machine its run may take longer than who asks for it waits."""

    def answered() -> dict[str, Any] | None:
        found = dict(admin(f"requests/{asked['id']}").document)
        return found if found["status"] != "waiting" else None

    found = until(answered, "a run has answered", PATIENCE)
    assert found["status"] == "done", found
    return found


def is_well(admin: Curl, server: str) -> bool:
    """Whether the last run found that a server answers; if not, another one looks."""
    if admin(f"servers/{server}/status").document["condition"] in ("ok", "asleep"):
        return True
    admin("sync?wait=50", "-X", "POST")
    return False


def test_a_server_lives_its_whole_life_by_curl(watched: Site, admin: Curl) -> None:
    body = {"name": "clock", "template": "clock@1", "env": {"TZ": "Europe/Paris", "SECRET": CANARY}}
    made = admin("servers?wait=50", "--json", json.dumps(body), "-H", "Idempotency-Key: first")
    assert made.status in (200, 202), made.body
    done(admin, made.document)
    again = admin("servers?wait=50", "--json", json.dumps(body), "-H", "Idempotency-Key: first")
    assert again.document["id"] == made.document["id"]
    until(lambda: answers(watched, "clock"), "it answers through the balancer")
    for query in ("text=clock", "template=clock", "template=clock@1"):
        assert [each["name"] for each in admin(f"servers?{query}").document["servers"]] == ["clock"]
    until(lambda: is_well(admin, "clock"), "the state says that it answers")
    tools = {each["name"]: each for each in admin("servers/clock/tools").document["tools"]}
    assert "timezone" in tools["get_current_time"]["input"]["properties"]
    until(lambda: admin("servers/clock/logs?lines=5").document["lines"], "its log is kept")
    done(admin, admin("servers/clock/stop?wait=50", "-X", "POST").document)
    assert not running(watched, "clock")
    assert admin("servers?status=stopped").document["servers"][0]["name"] == "clock"
    done(admin, admin("containers/clock/start?wait=50", "-X", "POST").document)
    before = running(watched, "clock")
    assert before
    done(admin, admin("servers/clock/restart?wait=50", "-X", "POST").document)
    assert running(watched, "clock") != before
    until(lambda: answers(watched, "clock"), "it answers through the balancer")
    happened = [each["event"] for each in admin("servers/clock/events").document["events"]]
    assert {"created", "stopped"} <= set(happened)
    runs = admin("runs?server=clock").document["runs"]
    assert any(each["trigger"].startswith("request ") for each in runs)
    assert admin(f"runs/{runs[0]['id']}").document["plan"]
    rules = [rule for each in admin("routes").document["listeners"] for rule in each["rules"]]
    assert "clock" in [rule["server"] for rule in rules]
    done(admin, admin("servers/clock?wait=50", "-X", "DELETE").document)
    assert admin("servers/clock").status == 404
    assert not running(watched, "clock")


@pytest.mark.parametrize("client", [*ERAS, pytest.param("inspector", marks=with_inspector)])
def test_a_server_lives_its_whole_life_by_the_mcp_tools(watched: Site, admin: Curl, client: str) -> None:
    of_client = Inspector if client == "inspector" else partial(Assistant, era=client)
    assistant = of_client(f"{watched.url}/monitor/mcp", make_token(watched, "admin"))
    values = {"TZ": "Europe/Paris", "SECRET": CANARY}
    checked = assistant.do("check_config", server_name="watch", entry={"template": "clock@2"})
    assert not checked["accepted"]
    assert "clock@1" in checked["mistakes"][0]
    done(admin, assistant.do("docker_create_server", server_type="clock@1", server_name="watch", env_vars=values))
    until(lambda: answers(watched, "watch"), "it answers through the balancer")
    assert [each["name"] for each in assistant.do("docker_list_servers", server_type="clock")["servers"]] == ["watch"]
    until(lambda: is_well(admin, "watch"), "the state says that it answers")
    assert assistant.do("docker_get_server_status", server_name="watch")["condition"] in ("ok", "asleep")
    until(lambda: assistant.do("docker_get_logs", server_name="watch", lines=5)["lines"], "its log is kept")
    done(admin, assistant.do("docker_stop_server", server_name="watch"))
    assert not running(watched, "watch")
    explained = assistant.do("explain_server", server_name="watch")
    assert any("It was stopped by token admin" in each for each in explained["because"])
    assert [each["name"] for each in assistant.do("docker_list_servers", status="stopped")["servers"]] == ["watch"]
    done(admin, assistant.do("docker_start_server", server_name="watch"))
    before = running(watched, "watch")
    assert before
    done(admin, assistant.do("docker_restart_server", server_name="watch"))
    assert running(watched, "watch") != before
    until(lambda: answers(watched, "watch"), "it answers through the balancer")
    assert assistant.do("list_runs", server_name="watch")["runs"]
    done(admin, assistant.do("docker_delete_server", server_name="watch"))
    assert not running(watched, "watch")
    gone = assistant.call("docker_get_server_status", server_name="watch")
    assert gone.is_error
    assert "not-found" in text_of(gone)
    assert CANARY not in str(assistant.results)


def test_clients_find_the_servers_in_the_form_of_a_registry(watched: Site, admin: Curl) -> None:
    [found] = admin("servers?search=/time&version=latest", below="v0.1").document["servers"]
    assert found["server"]["name"] == f"{FLEET}/time"
    assert found["server"]["remotes"] == [{"type": "streamable-http", "url": f"{watched.url}/mcp/time/mcp"}]
    assert admin(f"servers/{FLEET}%2Ftime/versions/latest", below="v0.1").document == found
    assert admin(f"servers/{FLEET}%2Fnone/versions/latest", below="v0.1").status == 404
    # Copilot and VS Code show no token. Which pages may ask a loopback listener [security] allowed_origins says.
    url = f"{watched.url}/monitor/v0.1/servers/{FLEET}%2Ftime/versions/latest"
    asked = ["curl", "-sSi", "--path-as-is", url]
    head, _, body = (
        subprocess.run(asked, capture_output=True, text=True, check=True).stdout.replace("\r", "").partition("\n\n")
    )
    assert json.loads(body) == found
    assert "access-control-allow-origin: *" in head.lower().splitlines()
    refused = subprocess.run(["curl", "-sS", f"{watched.url}/monitor/api/v1/servers"], capture_output=True, text=True)
    assert json.loads(refused.stdout)["status"] == 401


def test_all_that_is_on_the_scrape_list_can_be_scraped_through_the_balancer(watched: Site, admin: Curl) -> None:
    until(lambda: answers(watched, "time"), "it answers through the balancer")
    bridged = {name for name, each in watched.servers().items() if each["container"] and each["transport"] == "stdio"}

    def scraped() -> list[tuple[Any, str]] | None:
        """Every target with what it says. A container just replaced is on the list for a moment longer."""
        found = [(each, admin(f"../..{path_of(each).removeprefix('/monitor')}")) for each in admin("targets").document]
        listed = {each["labels"].get("server") for each, _told in found}
        whole = listed >= bridged and all(told.status == 200 for _each, told in found)
        return [(each, told.body) for each, told in found] if whole else None

    def path_of(target: Any) -> str:
        return str(target["labels"]["__metrics_path__"])

    said = {}
    for target, told in until(scraped, "every bridge is on the list, and all that is on it answers"):
        assert target["targets"] == [watched.url.removeprefix("http://")]
        path = path_of(target)
        samples = [each for family in text_string_to_metric_families(told) for each in family.samples]
        said[path.rsplit("/", 2)[1], target["labels"].get("server")] = {
            (each.name, each.labels.get("server"), each.labels.get("mcp_method_name")): each.value for each in samples
        }
    assert said["monitor", None]["mcp_server_up", "time", None] == 1
    assert said["monitor", None]["mcp_watcher_up", None, None] == 1
    assert said["metrics", None]["haproxy_backend_http_requests_total", "time", None] > 0
    calls = said["bridges", "time"]["mcp_server_operation_duration_seconds_count", None, "initialize"]
    assert calls >= 1
    assert not [labels for labels in said if CANARY in str(labels)]


def test_a_prometheus_that_make_observe_runs_scrapes_the_whole_fleet(watched: Site) -> None:
    run = watched.play("observe")
    assert run.code == 0, run.output
    bridged = {name for name, each in watched.servers().items() if each["container"] and each["transport"] == "stdio"}

    def scraped() -> bool:
        up = results(PROMETHEUS, f'up{{fleet="{FLEET}"}}')
        servers = {each["metric"].get("server") for each in up}
        has_balancer = any(each["metric"]["instance"].endswith("/balancer") for each in up)
        return servers == {None, *bridged} and has_balancer and {each["value"][1] for each in up} == {"1"}

    until(scraped, "the monitor, the load balancer and every bridge are scraped", 180)
    assert {each["metric"]["server"] for each in results(PROMETHEUS, "mcp_server_up == 1")} >= bridged
    assert results(PROMETHEUS, "haproxy_process_build_info")
    again = watched.play("observe")
    assert (again.code, again.changed) == (0, 0), again.output


def of_the_trace(receiver: Collector, trace_id: int, count: int) -> list[Taken]:
    """The spans of a trace, once there are so many."""

    def found() -> list[Taken] | None:
        spans = [each for each in list(receiver.spans) if int.from_bytes(each.span.trace_id) == trace_id]
        return spans if len(spans) >= count else None

    return until(found, f"{count} spans of the trace have come", 90)


def test_a_span_of_each_call_comes_to_the_collector_in_the_trace_of_the_sdks_client(
    watched: Site, receiver: Collector
) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("turn") as turn:
        context = turn.get_span_context()
        assert "Asia/Tokyo" in call(f"{watched.url}/mcp/time/mcp", "get_current_time", {"timezone": "Asia/Tokyo"})
    spans = of_the_trace(receiver, context.trace_id, 2)
    assert {int.from_bytes(each.span.parent_span_id) for each in spans} == {context.span_id}
    (called,) = [each for each in spans if each.span.name == "tools/call get_current_time"]
    assert called.attributes["gen_ai.tool.name"] == "get_current_time"
    assert called.attributes["mcp.protocol.version"]
    assert "error.type" not in called.attributes
    assert called.resource["service.name"] == "time"
    assert called.resource["service.namespace"] == FLEET
    assert called.resource["service.instance.id"] in [container[:12] for container in running(watched, "time")]
    assert {each["authorization"] for each in receiver.headers} == {f"Bearer {CANARY}-otel"}
    assert not [raw for raw in receiver.raw if b"Tokyo" in raw or CANARY.encode() in raw]


def test_a_collector_that_is_away_disturbs_no_call_and_gets_the_spans_later(watched: Site, receiver: Collector) -> None:
    receiver.status = 503
    requests = receiver.requests
    try:
        with TracerProvider().get_tracer("test").start_as_current_span("turn") as turn:
            trace_id = turn.get_span_context().trace_id
            assert call(f"{watched.url}/mcp/time/mcp", "get_current_time", {"timezone": "UTC"})
        until(lambda: receiver.requests > requests, "the collector was asked", 60)
    finally:
        receiver.status = 200
    assert of_the_trace(receiver, trace_id, 2)


def test_the_token_and_the_progress_of_the_sender_are_open_to_those_alone_who_need_them(watched: Site) -> None:
    names = ("monitor_user", "manager_user", "local_alb_user", "node_router_user", "traces_user")
    rows = table(watched.etc, watched.var, *(USERS[name] for name in names))
    found = [each for each in files(watched.etc, watched.var, elsewhere=()) if "traces" in str(each)]
    assert {each.name for each in found} >= {"traces.headers.json", "traces", "progress.json"}
    assert list(deviations(rows, found)) == []


def test_what_was_asked_is_in_the_audit_log_and_no_value_of_it_anywhere(watched: Site, admin: Curl) -> None:
    viewer = Curl(watched, "view")
    assert viewer("servers/time/stop", "-X", "POST").status == 403
    audit = [json.loads(line) for line in (watched.var / "audit.jsonl").read_text().splitlines()]
    by_api = [each["action"] for each in audit if str(each.get("from", "")).startswith("API ")]
    assert {"check", "create", "stop"} <= set(by_api)
    refused = (watched.var / "monitor" / "refused.jsonl").read_text()
    assert "POST /api/v1/servers/time/stop" in refused
    kept = [each for each in watched.var.rglob("*") if each.is_file()]
    assert not [str(each) for each in kept if CANARY.encode() in each.read_bytes()]


def test_what_the_configs_reader_says_is_told_by_curl(admin: Curl) -> None:
    entry = {"command": "docker", "args": ["run", "-v", "/etc:/x", "--privileged", "mcp-sample/time:1"]}
    told = admin("servers?wait=50", "--json", json.dumps({"name": "evil", "entry": entry}))
    assert told.status == 422
    assert len(told.document["errors"]) >= 1
    assert "--privileged" in told.body


def test_a_stop_by_the_api_survives_a_run_and_the_watcher(watched: Site, admin: Curl) -> None:
    done(admin, admin("servers/time/stop?wait=50", "-X", "POST").document)
    assert watched.reconcile().code == 0
    assert not running(watched, "time")
    done(admin, admin("servers/time/start?wait=50", "-X", "POST").document)
    assert running(watched, "time")


def test_two_who_ask_the_opposite_at_once_are_both_answered_and_one_holds(watched: Site, admin: Curl) -> None:
    token = make_token(watched, "operate")
    stopper, starter = (Assistant(f"{watched.url}/monitor/mcp", token, era) for era in ERAS)
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(stopper.call, "docker_stop_server", server_name="time"),
            pool.submit(starter.call, "docker_start_server", server_name="time"),
        ]
        answers = [each.result() for each in asked]
    for each in answers:
        if each.is_error:
            assert "request-superseded" in text_of(each)
        else:
            done(admin, each.structured_content)
    stopped = admin("servers/time").document["override"] is not None
    assert bool(running(watched, "time")) is not stopped
    done(admin, admin("servers/time/start?wait=50", "-X", "POST").document)


def test_a_follower_gets_lines_through_the_balancer_as_they_come(watched: Site, admin: Curl) -> None:
    found = subprocess.Popen(
        [
            *("curl", "-sSN", "-H", f"Authorization: Bearer {make_token(watched, 'view')}"),
            f"{watched.url}/monitor/api/v1/servers/orders/logs?follow=true&lines=1",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert found.stdout is not None
    try:
        first = found.stdout.readline()
        assert first.startswith(("event: lines", ": nothing yet"))
    finally:
        found.terminate()
        found.wait()
