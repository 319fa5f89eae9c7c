"""Who is let in, and how guessing is slowed down."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest
from monitor.access.auth import MOST_CLIENTS, MOST_FAILURES, MOST_KNOWN, WAIT_SECONDS, WINDOW_SECONDS, BasicAuth
from monitor.access.users import Users

from tests.unit.monitor.access.accounts import plainly, write_accounts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Compared:
    """Compares as scrypt does, without its cost, and counts."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def __call__(self, password: str, kept: str) -> bool:
        self.kept.append(kept)
        return plainly(password, kept)


def basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def compared() -> Compared:
    return Compared()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_accounts(tmp_path / "users.json", admin=("säsame:1", "operate"), guest=("just-looking", "view"))


@pytest.fixture
def auth(file: Path, compared: Compared, clock: Clock) -> BasicAuth:
    return BasicAuth(Users(file), compared, clock, clock.sleep)


GOOD = basic("admin:säsame:1")
WRONG = basic("admin:wrong")


def test_each_user_comes_in_with_their_own_password_and_role(auth: BasicAuth) -> None:
    admin, guest = (auth.check(each, "a").user for each in (GOOD, basic("guest:just-looking")))
    assert admin is not None
    assert guest is not None
    assert (admin.name, admin.may("view"), admin.may("operate")) == ("admin", True, True)
    assert (guest.name, guest.may("view"), guest.may("operate")) == ("guest", True, False)
    assert not auth.check(basic("guest:säsame:1"), "a").admitted


@pytest.mark.parametrize(
    "authorization",
    [
        WRONG,
        basic("root:säsame:1"),
        basic("admin:"),
        basic(""),
        basic("admin:säsame:1 "),
        "Basic",
        "Basic !!!",
        "Basic YWRtaW4",
        "Basic /w==",
        "Bearer x",
        "",
        "Basic ÿ",
    ],
)
def test_anything_else_stays_out_and_costs_one_comparison(
    auth: BasicAuth, compared: Compared, authorization: str
) -> None:
    assert auth.check(authorization, "a").status == 401
    assert len(compared.kept) == 1


def test_a_name_that_nobody_has_costs_a_comparison_of_the_same_kind(auth: BasicAuth, compared: Compared) -> None:
    auth.check(basic("nobody:x"), "a")
    assert compared.kept[0].startswith("$scrypt$ln=14,r=8,p=5$")


def test_a_name_is_told_only_where_there_is_such_a_user(auth: BasicAuth) -> None:
    assert auth.check(WRONG, "a").tried == "admin"
    assert auth.check(basic("my-password:x"), "a").tried is None


def test_a_password_that_was_right_is_not_compared_again_until_the_users_change(
    auth: BasicAuth, compared: Compared, file: Path
) -> None:
    for _ in range(3):
        assert auth.check(GOOD, "a").admitted
    assert len(compared.kept) == 1
    write_accounts(file, admin=("another one", "view"))
    assert auth.check(GOOD, "a").status == 401
    assert len(compared.kept) == 2
    user = auth.check(basic("admin:another one"), "a").user
    assert user is not None
    assert user.role == "view"


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"version": 1, "users": {"a": {}}}'])
def test_a_file_of_users_that_is_broken_admits_nobody(auth: BasicAuth, file: Path, content: str | None) -> None:
    assert auth.check(GOOD, "a").admitted
    file.unlink()
    if content is not None:
        file.write_text(content)
        file.chmod(0o640)
    assert auth.check(GOOD, "a").status == 401


def test_the_scheme_may_be_written_in_any_case(auth: BasicAuth) -> None:
    assert auth.check(GOOD.replace("Basic", "bASIC"), "a").admitted


def test_to_come_without_credentials_costs_nothing_and_does_not_count(auth: BasicAuth, compared: Compared) -> None:
    for _ in range(MOST_FAILURES * 2):
        assert auth.check(None, "a").status == 401
    assert compared.kept == []
    assert auth.check(GOOD, "a").admitted


def test_who_guesses_too_often_is_not_listened_to_for_a_while(auth: BasicAuth, clock: Clock) -> None:
    for _ in range(MOST_FAILURES):
        auth.check(WRONG, "a")
    result = auth.check(GOOD, "a")
    assert result.status == 429
    assert 0 < result.retry_after <= WINDOW_SECONDS + 1
    clock.now += result.retry_after
    assert auth.check(GOOD, "a").admitted


def test_one_guesser_does_not_lock_out_the_others(auth: BasicAuth) -> None:
    for _ in range(MOST_FAILURES + 5):
        auth.check(WRONG, "a")
    assert auth.check(GOOD, "b").admitted


def test_what_is_remembered_is_bounded(auth: BasicAuth, file: Path) -> None:
    for number in range(MOST_CLIENTS + 50):
        auth.check(WRONG, f"client {number}")
    assert len(auth._failures) == MOST_CLIENTS
    write_accounts(file, **{f"user{number}": ("x", "view") for number in range(MOST_KNOWN + 5)})
    for number in range(MOST_KNOWN + 5):
        assert auth.check(basic(f"user{number}:x"), "a").admitted
    assert len(auth._known) == MOST_KNOWN


def test_one_password_is_compared_at_a_time_and_who_is_known_does_not_wait(file: Path) -> None:
    inside, release = threading.Event(), threading.Event()

    def slow(password: str, kept: str) -> bool:
        if password != "säsame:1":
            inside.set()
            release.wait(20)
        return plainly(password, kept)

    clock = Clock()
    auth = BasicAuth(Users(file), slow, clock, clock.sleep)
    assert auth.check(GOOD, "owner").admitted
    guesser = threading.Thread(target=auth.check, args=(WRONG, "guesser"))
    guesser.start()
    assert inside.wait(20)
    began = clock.now
    assert auth.check(basic("guest:just-looking"), "late").status == 429
    assert clock.now - began >= WAIT_SECONDS
    assert auth.check(GOOD, "owner").admitted
    release.set()
    guesser.join(20)
