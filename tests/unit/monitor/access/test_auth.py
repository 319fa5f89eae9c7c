"""Who is let in, and how guessing is slowed down."""

from __future__ import annotations

import base64
import threading

import pytest
from monitor.access.auth import DELAY_SECONDS, MOST_CLIENTS, MOST_FAILURES, MOST_WAITING, WINDOW_SECONDS, BasicAuth


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def auth(clock: Clock) -> BasicAuth:
    return BasicAuth("admin", "säsame:1", clock, clock.sleep)


GOOD = basic("admin:säsame:1")
WRONG = basic("admin:wrong")


def test_the_right_password_comes_in_at_once(auth: BasicAuth, clock: Clock) -> None:
    assert auth.check(GOOD, "a").admitted
    assert clock.slept == []


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
        "Bearer x",
        "",
        "Basic ÿ",
    ],
)
def test_anything_else_stays_out_and_costs_time(auth: BasicAuth, clock: Clock, authorization: str) -> None:
    assert auth.check(authorization, "a").status == 401
    assert clock.slept == [DELAY_SECONDS]


def test_the_scheme_may_be_written_in_any_case(auth: BasicAuth) -> None:
    assert auth.check(GOOD.replace("Basic", "bASIC"), "a").admitted


def test_to_come_without_credentials_costs_nothing_and_does_not_count(auth: BasicAuth, clock: Clock) -> None:
    for _ in range(MOST_FAILURES * 2):
        assert auth.check(None, "a").status == 401
    assert clock.slept == []
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


def test_the_memory_of_failures_is_bounded(auth: BasicAuth) -> None:
    for number in range(MOST_CLIENTS + 50):
        auth.check(WRONG, f"client {number}")
    assert len(auth._failures) == MOST_CLIENTS


def test_guessers_cannot_occupy_all_threads() -> None:
    release = threading.Event()
    inside = threading.Semaphore(0)

    def hold(_seconds: float) -> None:
        inside.release()
        release.wait(20)

    auth = BasicAuth("admin", "x", sleep=hold)
    threads = [threading.Thread(target=auth.check, args=(WRONG, f"c{number}")) for number in range(MOST_WAITING)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=20)
    assert auth.check(WRONG, "late").status == 429
    assert auth.check(basic("admin:x"), "owner").admitted
    release.set()
    for thread in threads:
        thread.join(20)
