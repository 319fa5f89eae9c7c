"""Actions: who may ask for them, from where, and what becomes of it; over HTTP without a socket."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from monitor.app import WsgiApp

from tests.unit.monitor import samples
from tests.unit.monitor.test_app import Answer, ask, balancer, served, state_file

__all__ = ["balancer", "state_file"]

OWN = {"HTTP_ORIGIN": "http://alb.example", "HTTP_HOST": "alb.example", "HTTP_SEC_FETCH_SITE": "same-origin"}


@pytest.fixture
def spool(state_file: Path) -> Path:
    spool = state_file.parent / "requests"
    spool.mkdir()
    (state_file.parent / "monitor").mkdir()
    return spool


@pytest.fixture
def app(state_file: Path, balancer: Any, spool: Path) -> WsgiApp:
    return served(state_file, balancer)


def token_of(page: Answer) -> str:
    (token,) = set(re.findall(r'name="token" value="([^"]+)"', page.body))
    return str(token)


def post(app: WsgiApp, path: str, form: dict[str, str], **env: Any) -> Answer:
    body = urlencode(form).encode()
    sent = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    kind = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    return ask(app, path, method="POST", **{**sent, **kind, **OWN, **env})


def written(spool: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in spool.iterdir()]


def stop_form(app: WsgiApp) -> dict[str, str]:
    question = ask(app, "/monitor/act/stop", QUERY_STRING="server=time")
    assert "Stop time?" in question.body
    return {"server": "time", "token": token_of(question)}


def test_an_action_becomes_a_request_that_says_who_asked_and_from_where(app: WsgiApp, spool: Path) -> None:
    answer = post(app, "/monitor/act/stop", stop_form(app), HTTP_X_FORWARDED_FOR="10.0.0.7")
    assert answer.status == 303
    assert written(spool) == [{"action": "stop", "by": "admin", "from": "page 10.0.0.7", "server": "time"}]
    (name,) = (path.stem for path in spool.iterdir())
    assert answer.headers["location"] == f"/monitor/requests/{name}"
    waiting = ask(app, answer.headers["location"])
    assert "Stop time. The run that does it answers here" in waiting.body
    for told in ("No run has taken it yet", "asked by admin", "from page 10.0.0.7", 'href="/monitor/servers/time"'):
        assert told in waiting.body
    (spool / f"{name}.json").rename(spool.parent / "taken.json")
    assert "A run has taken it" in ask(app, answer.headers["location"]).body
    assert 'content="2"' in waiting.body


def buttons_of(app: WsgiApp, state_file: Path, **changes: Any) -> list[str]:
    state_file.write_text(json.dumps(samples.state([samples.server("time", 7, **changes)])))
    return re.findall(r'href="/monitor/act/([a-z-]+)\?', ask(app, "/monitor/servers/time").body)


def test_a_server_in_a_cluster_is_offered_no_pull(app: WsgiApp, state_file: Path) -> None:
    pods = {"id": "deployment/mcp-time", "name": "mcp-time", "logs": "kubectl -n mcp logs deployment/mcp-time"}
    assert buttons_of(app, state_file) == ["restart", "pull", "stop"]
    assert buttons_of(app, state_file, container=pods) == ["restart", "stop"]


def test_a_run_is_asked_for_without_a_server(app: WsgiApp, spool: Path) -> None:
    token = stop_form(app)["token"]
    assert post(app, "/monitor/act/sync", {"token": token, "server": "time"}).status == 303
    assert written(spool) == [{"action": "sync", "by": "admin", "from": "page 127.0.0.1"}]


@pytest.mark.parametrize(
    ("form", "env"),
    [
        ({"token": ""}, {}),
        ({"token": "A" * 60}, {}),
        ({}, {"HTTP_ORIGIN": "https://evil.example", "HTTP_SEC_FETCH_SITE": "cross-site"}),
        ({}, {"HTTP_ORIGIN": "null"}),
        ({}, {"HTTP_SEC_FETCH_SITE": "same-site"}),
    ],
)
def test_a_form_of_another_page_asks_for_nothing_and_is_noted(
    app: WsgiApp, spool: Path, form: dict[str, str], env: dict[str, str]
) -> None:
    answer = post(app, "/monitor/act/stop", {**stop_form(app), **form}, **env)
    assert answer.status == 403
    assert "Nothing was done" in answer.body
    assert written(spool) == []
    listed = ask(app, "/monitor/audit", QUERY_STRING="kind=refused").body
    assert "/act/stop: it came from another page" in listed


def test_who_may_only_look_cannot_act(app: WsgiApp, spool: Path) -> None:
    form = stop_form(app)
    guest = "guest:looking"
    assert ask(app, "/monitor/", guest).status == 200
    assert ask(app, "/monitor/act/stop", guest, QUERY_STRING="server=time").status == 403
    body = urlencode(form).encode()
    sent: dict[str, Any] = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), **OWN}
    sent["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    answer = ask(app, "/monitor/act/stop", guest, method="POST", **sent)
    assert answer.status == 403
    assert "make user NAME=guest ROLE=operate" in answer.body
    assert written(spool) == []


def test_a_script_gets_no_page_and_with_it_no_token(app: WsgiApp) -> None:
    for path in ("/monitor", "/monitor/act/stop", "/monitor/state.json", "/monitor/audit"):
        answer = ask(app, path, HTTP_SEC_FETCH_DEST="empty", HTTP_SEC_FETCH_SITE="same-origin")
        assert answer.status == 403
        assert "token" not in answer.body


def test_the_pages_own_script_gets_what_it_asks_for_with_the_token(app: WsgiApp) -> None:
    token = stop_form(app)["token"]
    query = urlencode({"token": token})
    assert ask(app, "/monitor/state.json", QUERY_STRING=query, HTTP_SEC_FETCH_DEST="empty").status == 200
    assert ask(app, "/monitor/", HTTP_X_MONITOR_TOKEN=token, HTTP_SEC_FETCH_DEST="empty").status == 200
    assert ask(app, "/monitor/", HTTP_X_MONITOR_TOKEN=token[:-4], HTTP_SEC_FETCH_DEST="empty").status == 403


@pytest.mark.parametrize("name", ["", "nobody", "../time", "time\0"])
def test_a_server_that_is_none_is_not_asked_for(app: WsgiApp, spool: Path, name: str) -> None:
    answer = post(app, "/monitor/act/stop", {**stop_form(app), "server": name})
    assert (answer.status, written(spool)) == (404, [])


def test_an_action_that_is_none_is_no_page(app: WsgiApp, spool: Path) -> None:
    form = stop_form(app)
    for action in ("create", "delete", "x", "stop%2f.."):
        assert post(app, f"/monitor/act/{action}", form).status == 404
    assert written(spool) == []


def test_a_body_that_is_no_form_is_refused(app: WsgiApp, spool: Path) -> None:
    form = stop_form(app)
    assert post(app, "/monitor/act/stop", form, CONTENT_TYPE="application/json").status == 400
    assert written(spool) == []


def test_without_a_spool_the_page_says_what_to_do(app: WsgiApp, spool: Path) -> None:
    form = stop_form(app)
    spool.rmdir()
    answer = post(app, "/monitor/act/stop", form)
    assert answer.status == 503
    assert "run setup.sh, which makes it. Nothing was done." in answer.body


def test_servers_of_a_hostile_name_are_written_as_text(app: WsgiApp, state_file: Path) -> None:
    name = "<img src=x>"
    state_file.write_text(json.dumps(samples.state([samples.server(name)])))
    body = ask(app, "/monitor/act/stop", QUERY_STRING=urlencode({"server": name})).body
    assert "<img" not in body
    assert "Stop &lt;img src=x&gt;?" in body


@pytest.mark.parametrize("base", ["", "/a", "/ops/mcp/monitor"])
def test_below_any_path_links_forms_and_redirects_stay_there(
    state_file: Path, balancer: Any, spool: Path, base: str
) -> None:
    app = served(state_file, balancer, base or "/")
    question = ask(app, f"{base}/act/stop", QUERY_STRING="server=time")
    assert f'action="{base}/act/stop"' in question.body
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', question.body)
    assert len(links) > 5
    assert all(link.startswith(f"{base}/") for link in links)
    answer = post(app, f"{base}/act/stop", {"server": "time", "token": token_of(question)})
    assert answer.headers["location"].startswith(f"{base}/requests/")
    assert ask(app, answer.headers["location"]).status == 200


def test_behind_tls_the_origin_is_that_of_the_browser_and_the_redirect_leads_back_there(
    app: WsgiApp, spool: Path
) -> None:
    outside = {"HTTP_ORIGIN": "https://alb.example", "HTTP_HOST": "alb.example", "HTTP_X_FORWARDED_PROTO": "https"}
    answer = post(app, "/monitor/act/stop", stop_form(app), **outside)
    assert (answer.status, answer.headers["location"][:18]) == (303, "/monitor/requests/")
