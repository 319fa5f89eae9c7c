"""Who gets into the API, and how far."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from monitor.access.users import ROLES
from monitor.api.operations import OPERATIONS
from monitor.api.rate import RateLimit

from tests.unit.monitor.api.program import Program, Told

SECURED = [each for each in OPERATIONS if each.scope is not None]
# All that there is: what is added wants its row here, so that nobody opens more than they mean to.
SCOPES = {
    None: {"getHealth", "getOpenApi"},
    "admin": {"createServer", "createContainer", "deleteServer", "deleteContainer"},
    "operate": {
        "sync",
        "checkServer",
        *(f"{verb}{noun}" for verb in ("start", "stop", "restart", "pull") for noun in ("Server", "Container")),
        *("clearServerOverride", "clearContainerOverride"),
    },
}


def test_whatever_changes_something_needs_more_than_looking() -> None:
    found: dict[str | None, set[str]] = {}
    for each in OPERATIONS:
        found.setdefault(each.scope, set()).add(each.name)
        assert (each.scope in ("operate", "admin")) == each.changes, each.name
    assert {scope: names for scope, names in found.items() if scope != "view"} == SCOPES


def called(program: Program, operation: object, **by: str | None) -> Told:
    path = operation.path.replace("{name}", "time").replace("{id}", "20261129T012000Z-x")  # type: ignore[attr-defined]
    return program.ask(path, operation.method, **by)  # type: ignore[attr-defined,arg-type]


@pytest.mark.parametrize("operation", SECURED, ids=lambda each: each.name)
@pytest.mark.parametrize("role", ROLES)
def test_each_scope_opens_its_operations_and_no_others(tmp_path: Path, operation: object, role: str) -> None:
    needed = operation.scope  # type: ignore[attr-defined]
    told = called(Program(tmp_path), operation, token=f"mcpt_{role}")
    assert (told.status == 403) == (ROLES.index(role) < ROLES.index(needed))
    assert told.status != 401


@pytest.mark.parametrize("operation", SECURED, ids=lambda each: each.name)
def test_nobody_calls_anything_without_a_login(tmp_path: Path, operation: object) -> None:
    told = called(Program(tmp_path), operation, token=None)
    assert told.status == 401
    assert told.headers["www-authenticate"].startswith("Bearer ")
    assert "make token" in told.document["detail"]


def test_a_token_that_is_none_is_refused(tmp_path: Path) -> None:
    told = Program(tmp_path).ask("/servers", token="mcpt_guessed")
    assert (told.status, told.document["detail"]) == (401, "There is no such token; it may have been removed")
    assert 'error="invalid_token"' in told.headers["www-authenticate"]


def test_an_expired_token_is_refused_and_says_how_to_have_another(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.write_tokens({"mcpt_old": ("ci", "admin")}, lasting=timedelta(seconds=-1))
    told = program.ask("/servers", token="mcpt_old")
    assert told.status == 401
    assert "The token ci has expired" in told.document["detail"]


def test_a_removed_token_admits_nobody_at_once(tmp_path: Path) -> None:
    program = Program(tmp_path)
    assert program.ask("/servers").status == 200
    program.write_tokens({"mcpt_other": ("other", "view")})
    assert program.ask("/servers").status == 401
    assert program.ask("/servers", token="mcpt_other").status == 200


def test_a_file_of_tokens_that_everybody_can_read_admits_nobody(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.tokens_file.chmod(0o644)
    assert program.ask("/servers").status == 503
    assert program.ask("/servers", password="admin:sesame").status == 200


def test_users_of_the_page_have_their_role_in_the_api(tmp_path: Path) -> None:
    program = Program(tmp_path)
    assert program.ask("/servers", password="guest:looking").status == 200
    assert program.ask("/servers", password="guest:guessed").status == 401


def test_wrong_passwords_are_braked_as_on_the_page(tmp_path: Path) -> None:
    program = Program(tmp_path)
    for _ in range(11):
        last = program.ask("/servers", password="guest:guessed")
    assert last.status == 429
    assert int(last.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://mcp.example.com"}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "cross-site"}],
    ids=["origin", "same-origin", "cross-site"],
)
def test_a_script_cannot_use_the_password_that_a_browser_sends_by_itself(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    program = Program(tmp_path)
    told = program.ask("/servers", password="admin:sesame", **headers)
    assert (told.status, told.document["type"]) == (403, "urn:mcp-orchestrator:problem:browser-without-token")
    assert program.ask("/servers", **headers).status == 200  # a token is sent by who means it


def test_a_token_that_asks_too_often_waits_and_no_other_does(tmp_path: Path) -> None:
    now = [0.0]
    program = Program(tmp_path, limit=RateLimit(3, 0.5, lambda: now[0]))
    assert [program.ask("/servers").status for _ in range(4)] == [200, 200, 200, 429]
    assert program.ask("/servers").headers["retry-after"] == "2"
    assert program.ask("/servers", token="mcpt_admin").status == 200
    now[0] = 2.0
    assert program.ask("/servers").status == 200


def test_what_is_refused_is_in_the_audit_list_without_what_was_shown(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.ask("/servers", token=None)  # nobody has tried anything
    program.ask("/servers", token="mcpt_guessed")
    program.ask("/servers", password="guest:guessed")
    program.ask("/servers", password="admin:sesame", origin="https://mcp.example.com")
    found = program.sources.refusals.read()
    assert [(each.kind, each.user, each.client) for each in found] == [
        ("action", None, "127.0.0.1"),
        ("login", "guest", "127.0.0.1"),
        ("login", None, "127.0.0.1"),
    ]
    assert "GET /api/v1/servers: There is no such token" in found[2].text
    assert "guessed" not in program.sources.refusals.file.read_text()


def test_who_shows_tokens_that_are_none_is_braked_and_does_not_flood_the_list(tmp_path: Path) -> None:
    program = Program(tmp_path)
    assert [program.ask("/servers", token=f"mcpt_{number}").status for number in range(11)][9:] == [401, 429]
    assert len(program.sources.refusals.read()) == 10
    assert program.ask("/servers").status == 200
