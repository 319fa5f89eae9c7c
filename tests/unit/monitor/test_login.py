"""What clients without a token are told."""

from __future__ import annotations

import ipaddress
import json
import os
from pathlib import Path

import jsonschema
import pytest
from monitor.access.auth import BasicAuth
from monitor.access.users import Users
from monitor.app import WsgiApp, monitor_app
from monitor.client import Balancer
from monitor.sources import Sources

from tests.unit.monitor.access.accounts import plainly, write_accounts
from tests.unit.monitor.test_app import Answer, ask

SCHEMA = json.loads((Path(__file__).parents[3] / "files/login.schema.json").read_text())
WELL_KNOWN = "/.well-known/oauth-protected-resource"
BEHIND = {"HTTP_HOST": "mcp.example.com", "HTTP_X_FORWARDED_PROTO": "https"}
PAGE = "https://app.example.com"


def write(path: Path, **said: object) -> None:
    usual = {"version": 1, "run": "r1", "issuer": "https://id.example", "scopes": [], "servers": ["time"]}
    path.write_text(json.dumps({**usual, "origins": [PAGE], **said}))
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "login.json")
    return tmp_path / "login.json"


@pytest.fixture
def app(file: Path) -> WsgiApp:
    users = Users(write_accounts(file.with_name("users.json"), admin=("sesame", "operate")))
    balancer = Balancer((), (ipaddress.ip_network("127.0.0.1"),), file.parent, file.parent)
    return monitor_app(
        Sources(file.with_name("state.json"), file.parent), "/monitor", BasicAuth(users, plainly), balancer
    )


def anonymous(app: WsgiApp, path: str, method: str = "GET", **env: str) -> Answer:
    return ask(app, path, None, method, **{**BEHIND, **env})


@pytest.mark.parametrize("path", ["/mcp/time/mcp", "/mcp/time/mcp/", "/mcp/time/sse", "/mcp/time"])
def test_the_resource_is_the_address_that_the_user_has_typed(app: WsgiApp, path: str) -> None:
    told = anonymous(app, WELL_KNOWN + path)
    assert (told.status, told.headers["content-type"]) == (200, "application/json")
    assert json.loads(told.body) == {
        "resource": f"https://mcp.example.com{path}",
        "authorization_servers": ["https://id.example"],
        "bearer_methods_supported": ["header"],
    }


def test_without_a_path_it_is_the_balancer_as_a_whole(app: WsgiApp) -> None:
    assert json.loads(anonymous(app, WELL_KNOWN).body)["resource"] == "https://mcp.example.com"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_who_has_no_token_is_told_where_the_metadata_is(app: WsgiApp, method: str) -> None:
    told = anonymous(app, "/mcp/time/mcp", method)
    assert told.status == 401
    where = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp/time/mcp"
    assert told.headers["www-authenticate"] == f'Bearer resource_metadata="{where}"'


def test_clients_are_told_which_scopes_to_ask_for(app: WsgiApp, file: Path) -> None:
    write(file, scopes=["mcp", "offline_access"])
    assert anonymous(app, "/mcp/time/mcp").headers["www-authenticate"].endswith(', scope="mcp offline_access"')
    assert json.loads(anonymous(app, f"{WELL_KNOWN}/mcp/time/mcp").body)["scopes_supported"] == [
        "mcp",
        "offline_access",
    ]


def test_a_name_and_a_port_that_the_client_has_called_are_told_back(app: WsgiApp) -> None:
    for host in ("localhost:8443", "[::1]:8443", "alb-1.eu-west-1.elb.amazonaws.com"):
        resource = json.loads(anonymous(app, f"{WELL_KNOWN}/mcp/time/mcp", HTTP_HOST=host).body)["resource"]
        assert resource == f"https://{host}/mcp/time/mcp"
    plain = anonymous(app, f"{WELL_KNOWN}/mcp/time/mcp", HTTP_X_FORWARDED_PROTO="http")
    assert json.loads(plain.body)["resource"] == "http://mcp.example.com/mcp/time/mcp"


@pytest.mark.parametrize("host", ['x"y', "a b", "", "x/y", "user@x"])
def test_what_is_no_host_is_not_told_back(app: WsgiApp, host: str) -> None:
    for path in ("/mcp/time/mcp", f"{WELL_KNOWN}/mcp/time/mcp"):
        told = anonymous(app, path, HTTP_HOST=host)
        assert told.status == 400
        assert "www-authenticate" not in told.headers


@pytest.mark.parametrize("path", ["/mcp/web/mcp", "/mcp/timex", "/mcp", "/mcp//time"])
def test_other_servers_and_names_get_neither(app: WsgiApp, path: str) -> None:
    assert anonymous(app, path).status == 404
    assert anonymous(app, WELL_KNOWN + path).status == 404


def test_a_path_cannot_leave_its_header(app: WsgiApp) -> None:
    told = anonymous(app, '/mcp/time/", error="x')
    where = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp/time/%22%2C%20error=%22x"
    assert told.headers["www-authenticate"] == f'Bearer resource_metadata="{where}"'
    assert anonymous(app, "/mcp/time/\r\nSet-Cookie: a=b").status == 404


def test_nobody_is_told_anything_without_an_issuer_or_a_file(app: WsgiApp, file: Path) -> None:
    write(file, issuer=None)
    assert anonymous(app, "/mcp/time/mcp").status == 404
    assert anonymous(app, WELL_KNOWN).status == 404
    for content in ("", "[]", '{"version": 7}', "{}"):
        file.write_text(content)
        assert anonymous(app, "/mcp/time/mcp").status == 404
    file.unlink()
    assert anonymous(app, "/mcp/time/mcp").status == 404


def test_a_file_that_cannot_be_read_is_complained_about_once(
    app: WsgiApp, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("{")
    for _ in range(3):
        assert anonymous(app, "/mcp/time/mcp").status == 404
    assert [str(file) in message for message in caplog.messages] == [True]


def test_what_a_later_run_has_written_holds_at_once(app: WsgiApp, file: Path) -> None:
    assert anonymous(app, "/mcp/web/mcp").status == 404
    write(file.with_name("new"), servers=["time", "web"])
    os.replace(file.with_name("new"), file)
    assert anonymous(app, "/mcp/web/mcp").status == 401


def test_any_page_may_read_the_metadata(app: WsgiApp) -> None:
    told = anonymous(app, f"{WELL_KNOWN}/mcp/time/mcp", HTTP_ORIGIN="https://anywhere.example")
    assert told.headers["access-control-allow-origin"] == "*"
    asked = {"HTTP_ORIGIN": "https://anywhere.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}
    asked["HTTP_ACCESS_CONTROL_REQUEST_HEADERS"] = "mcp-protocol-version"
    before = anonymous(app, f"{WELL_KNOWN}/mcp/time/mcp", "OPTIONS", **asked)
    assert before.status == 204
    assert before.headers["access-control-allow-origin"] == "*"
    assert before.headers["access-control-allow-headers"] == "mcp-protocol-version"


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:6274"])
def test_pages_that_may_call_servers_may_read_where_to_log_in(app: WsgiApp, origin: str) -> None:
    told = anonymous(app, "/mcp/time/mcp", "POST", HTTP_ORIGIN=origin)
    assert told.headers["access-control-allow-origin"] == origin
    assert told.headers["access-control-expose-headers"] == "WWW-Authenticate"


def preflight(app: WsgiApp, origin: str) -> Answer:
    asked = {"HTTP_ORIGIN": origin, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    asked["HTTP_ACCESS_CONTROL_REQUEST_HEADERS"] = "authorization,content-type, b ad,mcp-param-x"
    return anonymous(app, "/mcp/time/mcp", "OPTIONS", **asked)


def test_they_are_let_through_before_they_call_with_their_token(app: WsgiApp) -> None:
    told = preflight(app, PAGE)
    assert told.status == 204
    assert told.headers["access-control-allow-origin"] == PAGE
    assert told.headers["access-control-allow-methods"] == "GET, POST, DELETE"
    assert told.headers["access-control-allow-headers"] == "authorization, content-type, mcp-param-x"


@pytest.mark.parametrize("origin", ["https://anywhere.example", "https://localhost.example", "null"])
def test_other_pages_are_not(app: WsgiApp, origin: str) -> None:
    assert preflight(app, origin).status == 403
    told = anonymous(app, "/mcp/time/mcp", "POST", HTTP_ORIGIN=origin)
    assert (told.status, "access-control-allow-origin" in told.headers) == (401, False)


def test_metadata_is_asked_for_and_not_sent(app: WsgiApp) -> None:
    assert anonymous(app, f"{WELL_KNOWN}/mcp/time/mcp", "POST").status == 405
    assert anonymous(app, f"{WELL_KNOWN}/mcp/time/mcp", "HEAD").body == ""
