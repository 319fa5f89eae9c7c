"""When a run is started, in worlds that break in every order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watcher.conductor import CUT_SHORT, DUE, EDITED, START_SECONDS, Conductor, Told, reason, request
from watcher.engine.model import Container
from watcher.trouble import Listing, Trouble, listing_of

from tests.unit.watcher.fleets import container, fleet

GOOD = fleet(container("a"), container("b", server="orders"))
REMOVED = Trouble("time", "was removed")


def settled(world: Listing = GOOD) -> Conductor:
    """Returns a conductor after a first run that left this world."""
    conductor = Conductor()
    conductor.begin()
    conductor.end(world, 0.0, told(world))
    return conductor


def told(world: Listing, unwell: frozenset[str] = frozenset()) -> Told:
    """Returns the report of a run that left this world."""
    servers = {each.id: each.server for each in world.values()}
    return Told(servers, unwell, {each.id: each.name for each in world.values()})


def without(world: Listing, identity: str) -> Listing:
    return {key: each for key, each in world.items() if key != identity}


def test_a_fleet_that_is_well_needs_no_run() -> None:
    conductor = settled()
    conductor.look(GOOD)
    assert not conductor.decide(1.0)


def test_a_removed_container_starts_one_run_until_it_has_begun() -> None:
    conductor = settled()
    conductor.look(without(GOOD, "a"))
    assert conductor.decide(1.0) == {REMOVED}
    conductor.started(frozenset({REMOVED}), 1.0)
    conductor.look(without(GOOD, "a"))
    assert not conductor.decide(2.0)


@pytest.mark.parametrize("report", [told(GOOD), Told()])
def test_a_container_that_is_being_removed_when_a_run_is_over_starts_one_once_it_is_gone(report: Told) -> None:
    conductor = settled()
    conductor.begin()
    conductor.end(fleet(container("a", state="removing"), GOOD["b"]), 1.0, report)
    assert not conductor.decide(1.0)
    conductor.look(without(GOOD, "a"))
    assert conductor.decide(2.0) == {REMOVED}


def test_a_run_that_never_begins_is_started_again() -> None:
    conductor = settled()
    conductor.look(without(GOOD, "a"))
    conductor.started(frozenset({REMOVED}), 1.0)
    assert conductor.decide(1.0 + START_SECONDS) == {REMOVED}


def test_what_mends_itself_starts_none() -> None:
    conductor = settled()
    conductor.look(fleet(container("a", state="exited"), GOOD["b"]))
    conductor.look(GOOD)
    assert not conductor.decide(1.0)


def test_the_doings_of_a_run_start_none() -> None:
    conductor = settled()
    conductor.begin()
    assert not conductor.decide(1.0)
    # It has replaced one server's container and removed the other server, as the config wants it.
    conductor.end(fleet(container("c")), 2.0, told(fleet(container("c"))))
    assert not conductor.decide(2.0)


def test_what_breaks_behind_the_back_of_a_run_starts_one_follow_up() -> None:
    conductor = settled()
    conductor.begin()
    conductor.end(without(GOOD, "a"), 2.0, told(GOOD))
    assert conductor.decide(2.0) == {REMOVED}
    conductor.begin()
    conductor.end(without(GOOD, "a"), 4.0, told(without(GOOD, "a")))
    assert not conductor.decide(4.0)


def test_what_a_run_knew_and_left_starts_none_until_it_comes_anew() -> None:
    sick = fleet(container("a", health="unhealthy"), GOOD["b"])
    conductor = settled()
    conductor.look(sick)
    conductor.begin()
    conductor.end(sick, 2.0, told(sick, unwell=frozenset({"time"})))
    conductor.look(sick)
    assert not conductor.decide(3.0)
    conductor.look(GOOD)
    conductor.look(sick)
    assert conductor.decide(4.0) == {Trouble("time", "is unhealthy")}


def test_what_a_run_mended_and_broke_again_since_starts_another() -> None:
    ended = fleet(container("a", state="exited"), GOOD["b"])
    conductor = settled()
    conductor.look(ended)
    conductor.begin()
    conductor.end(ended, 2.0, told(ended))
    assert conductor.decide(2.0) == {Trouble("time", "has ended")}


def test_a_replaced_container_that_only_finishes_its_sessions_may_be_sick() -> None:
    draining = fleet(*GOOD.values(), container("old", health="unhealthy"))
    conductor = settled()
    conductor.look(draining)
    conductor.begin()
    conductor.end(draining, 2.0, told(GOOD))
    assert not conductor.decide(2.0)


def test_a_container_that_is_renamed_during_a_run_starts_another() -> None:
    conductor = settled()
    conductor.begin()
    renamed = {**GOOD, "a": replace(GOOD["a"], name="somebody-elses")}
    conductor.end(renamed, 2.0, told(GOOD))
    assert conductor.decide(2.0) == {Trouble("time", "was renamed")}
    conductor.begin()
    conductor.end(GOOD, 3.0, told(GOOD))
    assert not conductor.decide(3.0)


def test_a_run_without_a_report_is_followed_by_another() -> None:
    conductor = settled()
    conductor.begin()
    conductor.end(GOOD, 2.0, None)
    assert conductor.decide(2.0) == {CUT_SHORT}


def test_what_a_run_could_not_do_is_tried_once_more_at_once() -> None:
    conductor = settled()
    failed = replace(told(GOOD, frozenset({"time"})), failed=frozenset({"time"}))
    conductor.begin()
    conductor.end(GOOD, 1.0, failed)
    again = frozenset({Trouble("time", "was not fixed")})
    assert conductor.decide(1.0) == again
    conductor.started(again, 1.0)
    conductor.begin()
    conductor.end(GOOD, 2.0, failed)
    assert not conductor.decide(3.0)
    # Nor does a watcher that begins anew, or one that sees a run by hand which reports nothing.
    conductor.begin()
    conductor.end(GOOD, 4.0, Told())
    conductor.begin()
    conductor.end(GOOD, 5.0, failed)
    assert not conductor.decide(6.0)
    another = Conductor()
    another.recall(failed, 7.0, 1.0)
    another.look(GOOD)
    another.begin()
    another.end(GOOD, 8.0, failed)
    assert not another.decide(9.0)


def test_an_edit_during_a_run_is_followed_by_another_run() -> None:
    conductor = settled()
    conductor.begin()
    conductor.ask(EDITED)
    assert not conductor.decide(1.0)
    conductor.end(GOOD, 2.0, told(GOOD))
    assert conductor.decide(2.0) == {EDITED}


def test_an_engine_that_is_gone_at_the_end_of_a_run_is_looked_at_when_it_is_back() -> None:
    conductor = settled()
    conductor.begin()
    conductor.end(None, 2.0, Told())
    assert not conductor.decide(2.0)
    conductor.look(without(GOOD, "a"))
    assert conductor.decide(3.0) == {REMOVED}


def test_without_a_timer_a_run_is_due_an_interval_after_the_last_also_of_an_earlier_watcher() -> None:
    conductor = Conductor(interval=300.0)
    conductor.recall(told(GOOD), 1000.0, age=100.0)
    conductor.look(GOOD)
    assert not conductor.decide(1199.0)
    assert conductor.decide(1200.0) == {DUE}
    conductor.begin()
    conductor.end(GOOD, 1210.0, told(GOOD))
    assert not conductor.decide(1509.0)
    assert conductor.decide(1510.0) == {DUE}


@pytest.mark.parametrize("age", [None, 1e6])
def test_who_installs_a_watcher_without_a_timer_has_a_minute_to_begin_the_first_run(age: float | None) -> None:
    conductor = Conductor(interval=300.0)
    conductor.recall(Told(), 1000.0, age)
    assert not conductor.decide(1059.0)
    assert conductor.decide(1060.0) == {DUE}


def test_a_container_that_was_removed_while_no_watcher_ran_is_missed() -> None:
    conductor = Conductor()
    conductor.recall(told(GOOD), 0.0, age=5.0)
    conductor.look(without(GOOD, "a"))
    assert conductor.decide(1.0) == {REMOVED}


@pytest.mark.parametrize(
    ("troubles", "line"),
    [
        ({REMOVED}, "watcher: time was removed"),
        ({DUE}, "timer"),
        ({EDITED, REMOVED}, "edit"),
        ({EDITED, request("2.json"), request("1.json")}, "request 1"),
        ({request("\x1b[31m\n.json")}, "request __31m_"),
        (
            {Trouble(name, "has ended") for name in "abcde"},
            "watcher: a has ended, b has ended, c has ended, and 2 more",
        ),
    ],
)
def test_the_reason_is_one_line(troubles: set[Trouble], line: str) -> None:
    assert reason(frozenset(troubles)) == line


# Each breaks one container of a world.
FAULTS: dict[str, Callable[[Container], Container | None]] = {
    "remove": lambda _each: None,
    "kill": lambda each: replace(each, state="exited", health=""),
    "pause": lambda each: replace(each, state="paused", health=""),
    "sicken": lambda each: replace(each, health="unhealthy"),
    "rename": lambda each: replace(each, name="mine"),
    "cut off": lambda each: replace(each, networks=frozenset()),
}


class Life:
    """A world that breaks, runs that mend it, and a conductor that sees both now and then."""

    def __init__(self) -> None:
        self.world: Listing = GOOD
        self.conductor = settled()
        self.at = 0.0
        self.runs = 0
        self.made = 0

    def fault(self, name: str, server: str) -> None:
        """Breaks a server's container."""
        changed = [FAULTS[name](each) if each.server == server else each for each in self.world.values()]
        self.world = listing_of(each for each in changed if each)

    def run_if_wanted(self, meanwhile: list[tuple[str, str]]) -> bool:
        """Looks, and does a run where one is wanted; the faults meanwhile come after it has mended everything."""
        self.at += 1000.0  # beyond all patience
        self.conductor.look(self.world)
        troubles = self.conductor.decide(self.at)
        if troubles:
            self.conductor.started(troubles, self.at)
            self.conductor.begin()
            self.runs += 1
            self._mend()
            reported = told(self.world)
            for name, server in meanwhile:
                self.fault(name, server)
            self.conductor.end(self.world, self.at, reported)
        return bool(troubles)

    def _mend(self) -> None:
        self.made += 1
        made = [container(f"{server}{self.made}", server=server) for server in ("time", "orders")]
        good = {each.server: each for each in self.world.values() if is_good(each)}
        self.world = listing_of(good.get(each.server, each) for each in made)

    @property
    def is_well(self) -> bool:
        """Whether both servers have a container that is as it should be."""
        return len(self.world) == 2 and all(map(is_good, self.world.values()))


def is_good(found: Container) -> bool:
    """Whether a container is as a run makes it."""
    return found == container(found.id, server=found.server)


def lists_of_faults(names: set[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Lists of faults, each with its server."""
    return st.lists(st.tuples(st.sampled_from(sorted(names)), st.sampled_from(["time", "orders"])), max_size=6)


# Runs rename containers themselves, so that nobody can tell who did it while one is under way; the next one does.
Story = list[tuple[list[tuple[str, str]], list[tuple[str, str]]]]
stories = st.lists(st.tuples(lists_of_faults({*FAULTS}), lists_of_faults({*FAULTS} - {"rename"})), max_size=5)


@settings(max_examples=300, deadline=None)
@given(stories)
def test_whatever_breaks_is_mended_by_one_run_and_one_follow_up(story: Story) -> None:
    life = Life()
    for before, during in story:
        runs = life.runs
        for name, server in before:
            life.fault(name, server)
        broken = not life.is_well
        assert life.run_if_wanted(during) == broken
        life.run_if_wanted([])
        assert life.is_well
        assert life.runs - runs <= 2
        assert not life.run_if_wanted([])
