# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that runs take and answer: what holds afterwards, whatever happens meanwhile."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError
from ansible_collections.mcp.orchestrator.plugins.module_utils.request import spool
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.request.request_host import (
    ENTRY,
    RequestHost,
)

SECRET = "s3same-0pen-s3same"
NEW = {**ENTRY, "env": {"TOKEN": SECRET}, "args": ["run", "-i", "-e", "TOKEN", "mcp/new"]}


@pytest.fixture
def host(tmp_path: Path) -> RequestHost:
    return RequestHost(tmp_path)


@pytest.fixture(autouse=True)
def _fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here cuts the power; waiting for the disk would take most of their time."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


def test_a_stop_holds_until_a_start(host: RequestHost) -> None:
    host.drop("a", "stop", "time", by="admin", **{"from": "page 10.0.0.7"})
    stopped = {each["name"]: each.get("stopped") for each in host.run()["servers"]}
    assert stopped["notes"] is None
    assert stopped["time"].startswith("by admin at 20")
    assert host.result("a")["status"] == "done"
    assert host.result("a")["message"].startswith("time: stopped by admin at ")
    assert host.result("a")["run"] == host.runs[-1]["run_id"]
    host.run()
    assert host.stopped() == ["time"]
    host.drop("b", "start", "time")
    host.run()
    assert not host.stopped()
    assert not host.left()


def test_a_stop_holds_until_the_servers_entry_changes(host: RequestHost) -> None:
    host.drop("a", "stop", "time")
    host.run()
    host.write_config(time=ENTRY, notes={**ENTRY, "args": ["run", "-i", "mcp/two"]}, more=ENTRY)
    host.run()
    assert host.stopped() == ["time"]
    host.write_config(time={**ENTRY, "args": ["run", "-i", "mcp/two"]})
    assert host.run()["lapsed"] == ["time"]
    assert not host.stopped()
    host.write_config(time=ENTRY)  # as it was: what is forgotten stays so
    host.run()
    assert not host.stopped()
    assert [each["event"] for each in host.audit()] == ["request", "lapsed"]


def test_a_mistake_in_its_entry_does_not_start_a_stopped_server(host: RequestHost) -> None:
    host.drop("a", "stop", "time")
    host.run()
    host.write_config(time={**ENTRY, "args": ["run", "--privileged", "mcp/one"]})
    assert host.run()["lapsed"] == []
    host.write_config(time=ENTRY)
    assert host.stopped() == ["time"]


def test_a_restart_asks_for_new_containers_and_ends_a_stop(host: RequestHost) -> None:
    host.drop("a", "stop", "time")
    host.run()
    before = host.specs()["time"]["generation"]
    host.drop("b", "restart", "time")
    host.run()
    spec = host.specs()["time"]
    assert (spec["generation"], spec.get("stopped"), spec["restarted"]) == (before, None, "b")
    host.drop("c", "clear-override", "time")
    host.run()
    assert host.specs()["time"].get("restarted") is None
    assert set(host.results().values()) == {"done"}


def test_a_pull_is_for_one_run(host: RequestHost) -> None:
    host.drop("a", "pull", "time")
    host.run()
    host.run()
    assert host.pulled == ["time"]


@pytest.mark.parametrize(("asked", "left"), [(("stop", "start"), []), (("start", "stop"), ["time"])])
def test_the_later_of_opposite_requests_wins_and_both_are_answered(
    host: RequestHost, asked: tuple[str, str], left: list[str]
) -> None:
    host.drop("z", asked[0], "time")
    host.drop("a", asked[1], "time")
    host.run()
    assert host.stopped() == left
    assert host.results() == {"z": "superseded", "a": "done"}
    assert host.result("z")["message"] == "request a, which came later, asks for something else"


def test_a_thousand_requests_at_once_are_all_answered(host: RequestHost) -> None:
    for number in range(1000):
        host.drop(f"r{number}", ("stop", "start", "restart", "sync")[number % 4], "time" if number % 4 != 3 else None)
    host.run()
    assert len(host.results()) == 1000
    assert len(host.audit()) == 1000
    assert not host.stopped()


def test_a_server_is_created_and_deleted(host: RequestHost) -> None:
    host.drop("a", "create", "new", entry=NEW)
    host.run()
    assert host.drop_ins() == ["new.request.json"]
    assert stat.S_IMODE((host.config.with_name("mcp.config.d") / "new.request.json").stat().st_mode) == 0o600
    host.drop("b", "stop", "new")
    host.run()
    assert host.stopped() == ["new"]
    host.drop("c", "delete", "new")
    host.run()
    assert not host.drop_ins()
    assert host.results() == {"a": "done", "b": "done", "c": "done"}
    assert json.loads((host.var / "overrides.json").read_text())["servers"] == {}


def test_nothing_keeps_a_created_servers_secret_but_its_drop_in(host: RequestHost) -> None:
    host.drop("a", "create", "new", entry=NEW)
    host.drop("b", "create", "time", entry=NEW)
    host.drop("c", "create", "odd", entry={**NEW, "args": ["run", "--privileged", "-e", "TOKEN", "mcp/new"]})
    host.run()
    assert host.results() == {"a": "done", "b": "refused", "c": "refused"}
    kept = [each for each in host.var.rglob("*") if each.is_file() and SECRET in each.read_text()]
    assert not kept


def test_a_server_that_the_reader_does_not_accept_is_refused_with_all_its_errors(host: RequestHost) -> None:
    entry = {**ENTRY, "args": ["run", "--privileged", "mcp/new"], "orchestrator": {"transport": "smoke"}}
    host.drop("a", "create", "new", entry=entry)
    host.run()
    told = host.result("a")
    assert told["status"] == "refused"
    assert len(told["messages"]) == 2
    assert told["messages"][0].startswith("mcp.config.d/new.request.json: mcpServers.new.")
    assert host.drop_ins() == []
    assert "new" not in host.specs()


def test_a_check_says_what_a_create_would_and_makes_nothing(host: RequestHost) -> None:
    host.drop("a", "check", "new", entry={**NEW, "disabledTools": ["x"]})
    host.drop("b", "check", "time", entry=NEW)
    host.drop("c", "check", "odd", entry={**NEW, "args": ["run", "--privileged", "-e", "TOKEN", "mcp/new"]})
    host.run()
    assert host.results() == {"a": "done", "b": "refused", "c": "refused"}
    assert host.result("a")["message"] == "new could be made so"
    assert "disabledTools" in host.result("a")["messages"][1]
    assert host.result("b")["message"].startswith("there is a server time already")
    assert host.result("c")["message"].startswith("odd.request.json: mcpServers.odd.args[1]")
    assert host.drop_ins() == []
    assert "new" not in host.specs()
    assert not [each for each in host.var.rglob("*") if each.is_file() and SECRET in each.read_text()]


def test_a_server_of_the_users_own_file_is_not_deleted(host: RequestHost) -> None:
    host.drop("a", "delete", "time")
    before = host.config.read_bytes()
    host.run()
    assert host.config.read_bytes() == before
    assert "time stands in mcp.config.json, which is not a request's; remove it there" in host.result("a")["message"]


@pytest.mark.parametrize(
    ("action", "server", "reason"),
    [
        ("stop", "nobody", "there is no server nobody in the config"),
        ("start", "off", "off is disabled in mcp.config.json"),
        ("restart", "odd", "the entry of odd in mcp.config.json has errors"),
        ("stop", "docs", "docs runs elsewhere"),
        ("create", "time", "there is a server time already, in mcp.config.json"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_way_out(tmp_path: Path, action: str, server: str, reason: str) -> None:
    host = RequestHost(
        tmp_path,
        time=ENTRY,
        off={**ENTRY, "disabled": True},
        odd={"command": "docker", "args": ["run", "--privileged", "one"]},
        docs={"url": "https://docs.example.com/mcp"},
    )
    host.drop("a", action, server, **({"entry": ENTRY} if action == "create" else {}))
    host.run()
    assert host.result("a")["status"] == "refused"
    assert reason in host.result("a")["message"]


def test_a_request_is_answered_once(host: RequestHost) -> None:
    host.drop("a", "stop", "time")
    host.run()
    host.drop("b", "start", "time")
    host.run()
    answered = host.result("a")
    host.drop("a", "stop", "time")
    host.run()
    assert not host.stopped()
    assert host.result("a") == answered
    assert [each["status"] for each in host.audit()] == ["done", "done", "refused"]
    assert host.refused() == ["a.json"]


def test_the_audit_log_is_rotated(host: RequestHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "AUDIT_BYTES", 2000)
    for number in range(60):
        host.drop(f"r{number}", "sync")
    host.run()
    files = sorted(host.var.glob("audit.jsonl*"))
    assert 2 <= len(files) <= 1 + spool.AUDITS_KEPT
    assert all(each.stat().st_size < 2600 for each in files)


def test_a_corrupt_file_of_overrides_is_moved_aside_and_said(host: RequestHost) -> None:
    host.drop("a", "stop", "time")
    host.run()
    (host.var / "overrides.json").write_text('{"version": 1, "serv')
    taken = host.begin()
    (error,) = taken["errors"]
    assert "overrides.json is no complete JSON" in error["message"]
    assert "servers that they had stopped are started" in error["message"]
    assert len(list(host.var.glob("overrides.json.*.corrupt"))) == 1
    assert not host.stopped()
    host.drop("b", "stop", "time")
    host.run()
    assert host.stopped() == ["time"]


def test_check_mode_changes_nothing_and_says_what_waits(host: RequestHost) -> None:
    host.drop("a", "stop", "time", by="admin")
    host.drop("b", "stop", "nobody")
    told = host.begin(check_mode=True)
    assert told["diff"]["after"] == "stop time: asked by admin (request a)\n"
    assert told["refused"] == ["b.json: there is no server nobody in the config"]
    assert sorted(host.left()) == ["a.json", "b.json"]
    assert sorted(each.name for each in host.var.iterdir()) == ["requests", "results"]


def test_a_run_without_requests_reads_no_config(host: RequestHost) -> None:
    host.config.unlink()
    assert host.begin()["pending"] == []


class Killed(BaseException):
    """The process ends here."""


_STEPS = ("rename", "replace", "unlink", "open", "fsync", "fchmod", "write", "mkdir")


@contextmanager
def _dying(at: int, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Iterator[list[str]]:
    """Ends the process, or fails, before the ``at``-th step that touches the disk."""
    done: list[str] = []

    def dying(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            done.append(name)
            if len(done) == at or (len(done) > at and not isinstance(error, Killed) and name in ("fsync", "write")):
                raise error
            return real(*arguments, **options)

        return step

    with monkeypatch.context() as patch:
        for name in _STEPS:
            patch.setattr(os, name, dying(name, getattr(os, name)))
        yield done


def scene(host: RequestHost) -> None:
    host.drop("a", "stop", "time")
    host.drop("b", "create", "new", entry=NEW)
    host.drop("c", "delete", "old")
    host.drop("d", "create", "old", entry={**ENTRY, "args": ["run", "-i", "mcp/other"]})
    host.drop("e", "pull", "notes")
    host.drop("f", "stop", "nobody")
    host.drop_text("g.json", "no")


@pytest.mark.parametrize("error", [Killed(), OSError(errno.ENOSPC, "No space left on device")])
def test_each_request_is_done_once_wherever_a_run_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    at = os.getpid() % 3  # any third step; which, differs from one time to the next
    while True:
        at += 3
        (tmp_path / str(at)).mkdir()
        host = RequestHost(tmp_path / str(at))
        host.drop("0", "create", "old", entry=ENTRY)
        host.run()
        scene(host)
        with _dying(at, monkeypatch, error) as steps:
            try:
                host.run()
                died = False
            except (Killed, OSError, AssertionError, ModuleError):
                died = True
        host.run()
        host.run()
        assert host.results() == {
            "0": "done",
            "a": "done",
            "b": "done",
            "c": "superseded",
            "d": "done",
            "e": "done",
            "f": "refused",
            "g": "refused",
        }, (at, steps)
        assert host.stopped() == ["time"]
        assert host.drop_ins() == ["new.request.json", "old.request.json"]
        assert "mcp/other" in (host.config.with_name("mcp.config.d") / "old.request.json").read_text()
        assert not host.left(), (at, steps)
        assert set(host.pulled) == {"notes"}
        audited = [each["id"] for each in host.audit() if each["event"] == "request"]
        assert sorted(set(audited)) == ["0", "a", "b", "c", "d", "e", "f", "g"]
        assert len(audited) - len(set(audited)) <= 1, (at, audited)  # a refusal that died between log and move
        if not died and len(steps) < at:
            break
    assert at > 40
