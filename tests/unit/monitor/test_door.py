"""Who is let in, and how guessing is slowed down."""

from __future__ import annotations

import base64
import threading

import pytest
from monitor.door import DELAY_SECONDS, MOST_CLIENTS, MOST_FAILURES, MOST_WAITING, WINDOW_SECONDS, Door


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
def door(clock: Clock) -> Door:
    return Door("admin", "säsame:1", clock, clock.sleep)


GOOD = basic("admin:säsame:1")
WRONG = basic("admin:wrong")


def test_the_right_password_comes_in_at_once(door: Door, clock: Clock) -> None:
    assert door.judge(GOOD, "a").admitted
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
def test_anything_else_stays_out_and_costs_time(door: Door, clock: Clock, authorization: str) -> None:
    assert door.judge(authorization, "a").status == 401
    assert clock.slept == [DELAY_SECONDS]


def test_the_scheme_may_be_written_in_any_case(door: Door) -> None:
    assert door.judge(GOOD.replace("Basic", "bASIC"), "a").admitted


def test_to_come_without_credentials_costs_nothing_and_does_not_count(door: Door, clock: Clock) -> None:
    for _ in range(MOST_FAILURES * 2):
        assert door.judge(None, "a").status == 401
    assert clock.slept == []
    assert door.judge(GOOD, "a").admitted


def test_who_guesses_too_often_is_not_listened_to_for_a_while(door: Door, clock: Clock) -> None:
    for _ in range(MOST_FAILURES):
        door.judge(WRONG, "a")
    verdict = door.judge(GOOD, "a")
    assert verdict.status == 429
    assert 0 < verdict.retry_after <= WINDOW_SECONDS + 1
    clock.now += verdict.retry_after
    assert door.judge(GOOD, "a").admitted


def test_one_guesser_does_not_lock_out_the_others(door: Door) -> None:
    for _ in range(MOST_FAILURES + 5):
        door.judge(WRONG, "a")
    assert door.judge(GOOD, "b").admitted


def test_the_memory_of_failures_is_bounded(door: Door) -> None:
    for number in range(MOST_CLIENTS + 50):
        door.judge(WRONG, f"client {number}")
    assert len(door._failures) == MOST_CLIENTS


def test_guessers_cannot_occupy_all_threads() -> None:
    release = threading.Event()
    inside = threading.Semaphore(0)

    def hold(_seconds: float) -> None:
        inside.release()
        release.wait(20)

    door = Door("admin", "x", sleep=hold)
    threads = [threading.Thread(target=door.judge, args=(WRONG, f"c{number}")) for number in range(MOST_WAITING)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=20)
    assert door.judge(WRONG, "late").status == 429
    assert door.judge(basic("admin:x"), "owner").admitted
    release.set()
    for thread in threads:
        thread.join(20)
