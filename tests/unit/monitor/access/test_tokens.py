"""Tokens on the command line: made, listed, removed; and what is kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from monitor.access.token import main
from monitor.access.tokens import FILE, Tokens, TokensUnusable, read_tokens

from tests.unit.monitor.access.accounts import write_accounts


@pytest.fixture
def users(tmp_path: Path) -> Path:
    return write_accounts(tmp_path / "monitor.users.json", admin=("sesame", "admin"))


def command(users: Path, *arguments: str) -> int:
    return main(["--users", str(users), *arguments])


def test_a_token_is_shown_once_and_never_kept(users: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(users, "add", "ci", "--scope", "operate") == 0
    told = capsys.readouterr()
    shown = told.out.strip()
    assert shown.startswith("mcpt_")
    assert "ci may operate until 20" in told.err
    file = users.with_name(FILE)
    assert shown not in file.read_text()
    assert (file.stat().st_mode & 0o777, file.stat().st_gid) == (0o640, users.stat().st_gid)
    found = Tokens(file).of(shown)
    assert found is not None
    assert (found.name, found.scope, found.user.name) == ("ci", "operate", "token ci")
    assert command(users, "list") == 0
    listed = capsys.readouterr().out
    assert "ci " in listed
    assert shown not in listed


def test_a_token_can_live_until_it_is_removed(users: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(users, "add", "ci", "--days", "0") == 0
    shown = capsys.readouterr().out.strip()
    tokens = Tokens(users.with_name(FILE))
    assert tokens.of(shown).expires is None
    assert command(users, "remove", "ci") == 0
    assert tokens.of(shown) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "a b"), "is not a token's name"),
        (("add", "ci"), "there is a token ci already"),
        (("add", "long", "--days", "9999"), "1 to 3650 days"),
        (("remove", "nobody"), "there is no token nobody"),
    ],
)
def test_what_cannot_be_done_is_said(
    users: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    command(users, "add", "ci")
    assert command(users, *arguments) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"version": 2, "tokens": {}}', '{"version": 1, "tokens": {"ci": {"scope": "root"}}}', "[" * 99999],
)
def test_a_file_of_something_else_admits_nobody(tmp_path: Path, content: str) -> None:
    file = tmp_path / FILE
    file.write_text(content)
    file.chmod(0o640)
    with pytest.raises(TokensUnusable, match="are no tokens"):
        read_tokens(file)


def test_without_a_file_there_are_no_tokens(tmp_path: Path) -> None:
    assert read_tokens(tmp_path / FILE) == {}
    assert Tokens(tmp_path / FILE).of("mcpt_x") is None


def test_scope_and_digest_are_all_that_is_kept(users: Path) -> None:
    command(users, "add", "ci")
    kept = json.loads(users.with_name(FILE).read_text())["tokens"]["ci"]
    assert sorted(kept) == ["expires", "made", "scope", "sha256"]
