# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rollout waits for the server's verification, and a failing one leaves the old container serving."""

from __future__ import annotations

import itertools
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.reconcile import DesiredFleet, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.verification import (
    Verification,
    not_installed,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import (
    ENVIRONMENT,
    POLICY,
    host_of,
    spec,
    whole_run,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    Killed,
    SimulatedEngine,
)

PYTHON = "/usr/bin/python3"  # which nobody may run; that of the development environment may be in root's home
PROGRAM = """
import json, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
cases = [{"file": "a.yml", "name": "case %d" % n, "failures": ["step 1: wrong"]} for n in range(WRONG)]
changes = [{"where": "tool a", "text": "it is gone", "breaking": True}] if CHANGED else []
json.dump({"servers": [{"cases": cases, "changes": changes}]}, open(given["--json"], "w"))
print("\\n".join(STDERR), file=sys.stderr)
sys.exit(CODE)
"""


class Judge:
    """Verifies servers as it was told to, and remembers which it was asked to."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, str, str | None]] = []

    def __call__(self, server: str, url: str, transport: str, host_header: str | None) -> str | None:
        self.asked.append((server, url, transport, host_header))
        return self.answer


def rolled_out(judge: Judge, **more: Any) -> tuple[SimulatedEngine, dict[str, Any]]:
    """A run after the edit of a server that served before."""
    engine = SimulatedEngine()
    whole_run(engine, [spec("a", **more)])
    edited = spec("a", memory=2**27, **more)
    host = replace(host_of(engine), verify=judge)
    return engine, reconcile(DesiredFleet(specs=[edited], policy=POLICY, environment=ENVIRONMENT), host)


def test_a_new_generation_that_passes_serves() -> None:
    judge = Judge(None)
    engine, result = rolled_out(judge, verify=True)
    endpoint = result["endpoints"][0]
    assert result["errors"] == []
    assert endpoint["generation"] == spec("a", memory=2**27).generation
    assert judge.asked == [("a", endpoint["url"], "http", endpoint["host_header"])]
    assert len(engine.of_fleet("f")) == 2


def test_one_that_does_not_pass_is_removed_and_the_old_one_serves_on() -> None:
    engine, result = rolled_out(Judge("its verification failed: a.yml: tells the time: no"), verify=True)
    old = spec("a").generation
    assert result["endpoints"][0]["generation"] == old
    assert result["endpoints"][0]["state"] == "running"
    assert len(engine.of_fleet("f")) == 1
    assert result["errors"][0]["message"].startswith(
        f"its verification failed: a.yml: tells the time: no; the new container was removed, generation {old} keeps"
    )


@pytest.mark.parametrize("verdict", [None, "its verification failed: no"])
def test_one_whose_run_was_killed_before_its_verdict_is_verified_by_the_next(verdict: str | None) -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a", verify=True)])
    fleet = DesiredFleet(specs=[spec("a", memory=2**27, verify=True)], policy=POLICY, environment=ENVIRONMENT)

    def killed(server: str, url: str, transport: str, host_header: str | None) -> str | None:
        raise Killed

    with pytest.raises(Killed):
        reconcile(fleet, replace(host_of(engine), verify=killed))
    assert len(engine.of_fleet("f")) == 2
    told = reconcile(replace(fleet, check_mode=True), host_of(engine))
    assert told["endpoints"][0]["generation"] == spec("a").generation

    judge = Judge(verdict)
    result = reconcile(fleet, replace(host_of(engine), verify=judge))
    assert len(judge.asked) == 1
    serving = spec("a") if verdict else fleet.specs[0]
    assert result["endpoints"][0]["generation"] == serving.generation
    assert len(result["errors"]) == (1 if verdict else 0)
    assert ("f-a.unverified" in engine.kept) == bool(verdict)
    # What passed is not asked again, and nothing is remembered of what nobody wants any more.
    whole_run(engine, [spec("a", verify=True)] if verdict else fleet.specs)
    assert "f-a.unverified" not in engine.kept
    assert len(judge.asked) == 1


def test_nobody_is_asked_about_a_server_without_verify_or_one_that_replaces_nothing() -> None:
    judge = Judge("no")
    assert rolled_out(judge)[1]["errors"] == []
    host = replace(host_of(SimulatedEngine()), verify=judge)
    fleet = DesiredFleet(specs=[spec("a", verify=True)], policy=POLICY, environment=ENVIRONMENT)
    assert reconcile(fleet, host)["errors"] == []
    assert judge.asked == []


def test_to_ask_for_it_or_not_makes_no_new_container() -> None:
    assert spec("a", verify=True).generation == spec("a").generation


def program(*, code: int, wrong: int = 0, changed: bool = False, stderr: str = "") -> Verification:
    named = {"CODE": code, "WRONG": wrong, "CHANGED": changed, "STDERR": [stderr]}
    text = "".join(f"{name} = {value!r}\n" for name, value in named.items()) + PROGRAM
    return Verification([PYTHON, "-c", text])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"code": 0}, None),
        ({"code": 1, "wrong": 1}, "its verification failed: a.yml: case 0: step 1: wrong; orchestrator.verify"),
        ({"code": 1, "wrong": 5}, "case 2: step 1: wrong (and 2 more); orchestrator.verify"),
        ({"code": 1, "changed": True}, "tool a: it is gone since its baseline"),
        ({"code": 2, "stderr": "no file is for a"}, "its verification failed: no file is for a; "),
    ],
)
def test_what_the_program_finds_is_told_in_short(options: dict[str, Any], said: str | None) -> None:
    found = program(**options)("a", "http://127.0.0.1:1/mcp", "http", "a.example")
    assert found is None if said is None else said in str(found)


def test_a_fleet_s_verifications_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    text = "import sys, time; a = time.monotonic(); time.sleep(0.1); sys.exit(f'{a} {time.monotonic()}')"
    verify = Verification([PYTHON, "-c", text])
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda name: str(verify(name, "http://a", "http", None)), "abcd"))
    spans = sorted(tuple(map(float, re.findall(r"[\d.]+(?= |;)", each)[:2])) for each in said)
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(spans)), spans


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_lets_nobody_read_what_an_unproven_server_answers() -> None:
    who = Verification([PYTHON, "-c", "import os, sys; sys.exit(f'I am {os.getuid()} {os.getgroups()}')"])
    assert "its verification failed: I am 65534 []; " in str(who("a", "http://a", "http", None))


def test_a_program_that_is_not_there_or_does_not_end_holds_the_rollout_back() -> None:
    assert "No such file" in str(Verification(["/nowhere"])("a", "http://a", "http", None))
    slow = Verification([PYTHON, "-c", "import time; time.sleep(60)"], deadline=0.2)
    assert "longer than 0.2 s" in str(slow("a", "http://a", "http", None))
    assert "holds the rollout back" in str(not_installed("a", "http://a", "http", None))
