"""The monitor over HTTP, without a socket: who gets what, with which headers."""

from __future__ import annotations

import base64
import ipaddress
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from monitor.access.auth import BasicAuth
from monitor.access.users import Users
from monitor.app import WsgiApp, monitor_app
from monitor.client import Balancer
from monitor.sources import Sources

from tests.unit.monitor import samples
from tests.unit.monitor.access.accounts import plainly, write_accounts


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str


def ask(app: WsgiApp, path: str, credentials: str | None = "admin:sesame", method: str = "GET", **env: str) -> Answer:
    environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method, "REMOTE_ADDR": "127.0.0.1", **env}
    if credentials is not None:
        environ["HTTP_AUTHORIZATION"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"
    setup_testing_defaults(environ)
    told: list[Any] = []
    body = b"".join(app(environ, lambda status, headers, _exc_info=None: told.extend((status, headers))))
    return Answer(int(told[0].split()[0]), {name.lower(): value for name, value in told[1]}, body.decode())


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(samples.three_servers()))
    return path


@pytest.fixture
def balancer(tmp_path: Path) -> Balancer:
    """One elsewhere, which comes from the address that requests here come from."""
    return Balancer((), (ipaddress.ip_network("127.0.0.1"),), tmp_path, tmp_path)


def served(
    state_file: Path,
    balancer: Balancer,
    path: str = "/monitor",
    compare: Callable[[str, str], bool] = plainly,
) -> WsgiApp:
    users = write_accounts(state_file.with_name("users.json"), admin=("sesame", "operate"), guest=("looking", "view"))
    auth = BasicAuth(Users(users), compare)
    return monitor_app(Sources(state_file, state_file.parent), path, auth, balancer)


@pytest.fixture
def app(state_file: Path, balancer: Balancer) -> WsgiApp:
    return served(state_file, balancer)


@pytest.mark.parametrize("path", ["/monitor", "/monitor/"])
def test_the_page_is_behind_the_password(app: WsgiApp, path: str) -> None:
    assert "MCP fleet" in ask(app, path).body
    refused = ask(app, path, credentials=None)
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == 'Basic realm="MCP monitor", charset="UTF-8"'
    assert refused.body == "Sign in to see the monitor.\n"


@pytest.mark.parametrize("path", ["/monitor", "/monitor/state.json", "/monitor/mcp.json"])
def test_a_wrong_password_gets_nothing(app: WsgiApp, path: str) -> None:
    assert ask(app, path, credentials="admin:wrong").status == 401


def test_a_refused_login_is_logged_and_written_down_without_the_password(
    app: WsgiApp, state_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refused = state_file.parent / "monitor"
    refused.mkdir()
    with caplog.at_level(logging.WARNING):
        ask(app, "/monitor", credentials="admin:almost", HTTP_X_FORWARDED_FOR="1.2.3.4, 9.9.9.9")
        ask(app, "/monitor", credentials="almost:", HTTP_X_FORWARDED_FOR="9.9.9.9")
    assert caplog.messages == [
        f"refused from 9.9.9.9 as {name}: the password is wrong, or there is no such user"
        for name in ("admin", "unknown")
    ]
    assert "almost" not in (refused / "refused.jsonl").read_text()


def test_clients_behind_the_balancer_are_told_apart_by_what_it_says(app: WsgiApp) -> None:
    for _ in range(11):
        last = ask(app, "/monitor", credentials="admin:wrong", HTTP_X_FORWARDED_FOR="spoofed, 9.9.9.9")
    assert last.status == 429
    assert int(last.headers["retry-after"]) > 0
    assert ask(app, "/monitor", HTTP_X_FORWARDED_FOR="spoofed, 8.8.8.8").status == 200


def test_who_comes_past_the_balancer_cannot_pass_for_another(app: WsgiApp) -> None:
    for number in range(11):
        forged = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": f"10.0.0.{number}"}
        last = ask(app, "/monitor", credentials="admin:wrong", **forged)
    assert last.status == 429
    assert ask(app, "/monitor", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR="8.8.8.8").status == 429
    assert ask(app, "/monitor", REMOTE_ADDR="192.0.2.2").status == 200


def test_health_needs_no_password_and_tells_nothing(app: WsgiApp) -> None:
    health = ask(app, "/monitor/health", credentials=None)
    assert (health.status, health.body) == (200, '{"status": "ok"}')


def test_the_monitor_is_healthy_without_a_state(app: WsgiApp, state_file: Path) -> None:
    state_file.unlink()
    assert ask(app, "/monitor/health", credentials=None).status == 200


def test_programs_get_the_state_as_it_is(app: WsgiApp, state_file: Path) -> None:
    answer = ask(app, "/monitor/state.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == state_file.read_text()


def test_clients_get_their_config_to_save(app: WsgiApp, state_file: Path) -> None:
    remotes = [samples.remote("docs"), samples.remote("hidden", client=None)]
    servers = [samples.server("time"), samples.disabled("off")]
    state_file.write_text(json.dumps(samples.state(servers, remotes=remotes)))
    answer = ask(app, "/monitor/mcp.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="mcp.json"'
    assert json.loads(answer.body) == {
        "mcpServers": {
            "docs": {"type": "http", "url": "https://docs.example.com/mcp"},
            "time": {"type": "http", "url": "http://127.0.0.1:8080/mcp/time/mcp"},
        }
    }


@pytest.mark.parametrize(
    ("content", "status", "headline"),
    [
        (None, 404, "No run has been reported yet"),
        ("", 503, "The state file cannot be read"),
        ('{"version": 1, "fl', 503, "not complete JSON"),
        ('{"version": 2}', 503, "state.run is missing"),
        ("[" * 100_000, 503, "not complete JSON"),
        ("\xff", 503, "The state file cannot be read"),
    ],
)
def test_without_a_good_state_the_page_says_so_and_programs_get_an_error(
    app: WsgiApp, state_file: Path, content: str | None, status: int, headline: str
) -> None:
    state_file.unlink()
    if content is not None:
        state_file.write_bytes(content.encode("latin-1"))
    page = ask(app, "/monitor")
    assert page.status == 200
    assert headline in page.body
    assert "Traceback" not in page.body
    answer = ask(app, "/monitor/state.json")
    assert answer.status == status
    assert "error" in json.loads(answer.body)
    assert ask(app, "/monitor/mcp.json").status == status


def test_a_new_state_is_shown_without_a_restart(app: WsgiApp, state_file: Path) -> None:
    assert "everything" in ask(app, "/monitor").body
    state_file.write_text(json.dumps(samples.no_servers()))
    assert "everything" not in ask(app, "/monitor").body


@pytest.mark.parametrize(
    ("path", "credentials", "status"),
    [
        ("/monitor", "admin:sesame", 200),
        ("/monitor", None, 401),
        ("/monitor/health", None, 200),
        ("/monitor/state.json", "admin:sesame", 200),
        ("/monitor/none", "admin:sesame", 404),
        ("/", "admin:sesame", 404),
        ("/monitorx", None, 404),
        ("/monitor/../etc/passwd", "admin:sesame", 404),
    ],
)
def test_every_answer_bears_the_security_headers(app: WsgiApp, path: str, credentials: str | None, status: int) -> None:
    answer = ask(app, path, credentials)
    assert answer.status == status
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert {"frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; "))
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


def test_a_wrong_user_and_a_wrong_password_cannot_be_told_apart(state_file: Path, balancer: Balancer) -> None:
    compared: list[str] = []

    def compare(password: str, hashed: str) -> bool:
        compared.append(password)
        return plainly(password, hashed)

    app = served(state_file, balancer, compare=compare)
    wrong = ("admin:wrong", "root:sesame", "root:wrong", "", ":")
    answers = [ask(app, "/monitor", credentials) for credentials in wrong]
    assert answers == [answers[0]] * len(answers)
    assert len(compared) == len(wrong)


def test_a_path_that_leads_nowhere_is_a_page_to_who_has_signed_in_and_tells_others_nothing(app: WsgiApp) -> None:
    assert "There is no such page" in ask(app, "/monitor/nowhere/at/all").body
    assert 'href="/monitor/"' in ask(app, "/monitor/servers/nobody").body
    assert ask(app, "/monitor/nowhere/at/all", None).status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_monitor_only_reads(app: WsgiApp, method: str) -> None:
    assert ask(app, "/monitor", method=method).status == 405


def test_a_bug_is_not_shown_to_the_visitor(app: WsgiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any) -> None:
        raise RuntimeError("the inner workings")

    monkeypatch.setattr("monitor.pages.overview.overview_view", broken)
    answer = ask(app, "/monitor")
    assert answer.status == 500
    assert "inner workings" not in answer.body
    assert answer.body.startswith("The monitor broke.")


def test_the_monitor_may_stand_at_the_root(state_file: Path, balancer: Balancer) -> None:
    app = served(state_file, balancer, "/")
    assert ask(app, "/").status == 200
    assert ask(app, "/health", credentials=None).status == 200
    assert 'href="/state.json"' in ask(app, "/").body


def test_a_page_and_its_scripts_and_styles_bear_the_same_nonce_another_each_time(app: WsgiApp) -> None:
    seen = set()
    for _ in range(2):
        answer = ask(app, "/monitor")
        (nonce,) = set(re.findall(r'nonce="([^"]+)"', answer.body))
        policy = answer.headers["content-security-policy"].split("; ")
        assert {f"style-src 'nonce-{nonce}'", f"script-src 'nonce-{nonce}'"} <= set(policy)
        seen.add(nonce)
    assert len(seen) == 2


def test_the_monitors_own_files_are_kept_by_browsers_until_they_change(app: WsgiApp) -> None:
    (url,) = re.findall(r'href="(/monitor/static/style[.]css[?]v=[0-9a-f]+)"', ask(app, "/monitor").body)
    path, _, query = url.partition("?")
    lasting = ask(app, path, None, QUERY_STRING=query)
    assert (lasting.status, lasting.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert lasting.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert ask(app, path, None).headers["cache-control"] == "no-cache"
    again = ask(app, path, None, HTTP_IF_NONE_MATCH=lasting.headers["etag"])
    assert (again.status, again.body) == (304, "")


@pytest.mark.parametrize("name", ["none.css", "..", "%2e%2e", "../app.py", "style.css/x", ""])
def test_no_other_file_is_given_out(app: WsgiApp, name: str) -> None:
    assert ask(app, f"/monitor/static/{name}").status == 404
