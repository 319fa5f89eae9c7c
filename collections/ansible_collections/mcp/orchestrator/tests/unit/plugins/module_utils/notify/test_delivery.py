# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages reach a real receiver through Apprise, are neither lost nor repeated, and hold nobody up."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify import outbox
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.delivery import by_apprise, deliver
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.news import Message
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.outbox import Outbox, read_outbox, writer_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.program import main
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import (
    Scripted,
    answer,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import report, state_of

TOKEN = "s3same-t0ken"


class Receiver(Scripted):
    """A webhook that keeps what it is sent, and answers with ``status``."""

    status = 200

    def __init__(self) -> None:
        super().__init__(lambda _request: answer(self.status, {"ok": True}))

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/{TOKEN}"

    @property
    def messages(self) -> list[str]:
        return [str(request.message["message"]) for request in self.requests]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


class Desk:
    """The files of one host on which runs end and the notifier is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.addresses("")
        self.run("r-0")

    def addresses(self, *words: str) -> None:
        (self.folder / "settings.conf").write_text(f"[notify]\nurls = {' '.join(words)}\n")

    def run(self, identity: str, *, fails: bool = False) -> None:
        lost = {"state": "failing", "cause": "closed", "reason": "the line went dead"} if fails else {}
        state = state_of(probe={"servers": [report("echo"), report("time", **lost)]})
        state["run"]["id"] = identity
        (self.folder / "state.json").write_text(json.dumps(state))

    def ended(self, result: str) -> None:
        file = self.folder / "ended"
        file.write_text(f"{result}\n")
        os.utime(file, (at := time.time() + len(list(self.folder.iterdir())) + os.getpid() % 7, at))

    @property
    def arguments(self) -> list[str]:
        names = {"settings": "settings.conf", "state": "state.json", "memory": "memory.json", "ended": "ended"}
        return [word for name, file in names.items() for word in (f"--{name}", str(self.folder / file))]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_change_reaches_the_receiver_once(desk: Desk, receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    desk.addresses(receiver.address)
    for number, fails in enumerate((False, True, True, False, False)):
        desk.run(f"r-{number}", fails=fails)
        assert main(desk.arguments) == 0
    first, second = receiver.messages
    assert first.startswith("time is failing: the line went dead")
    assert second.startswith("time has recovered")
    said = capsys.readouterr()
    assert "json (address 1): delivered" in said.out
    assert TOKEN not in said.out + said.err


def test_an_address_may_come_from_a_file_with_several(desk: Desk, receiver: Receiver) -> None:
    other = Receiver()
    (desk.folder / "urls").write_text(f"# those on call\n{receiver.address}\n{other.address}\n")
    desk.addresses(f"${{file:{desk.folder}/urls}}")
    desk.run("r-1", fails=True)
    assert main(desk.arguments) == 0
    assert (len(receiver.messages), len(other.messages)) == (1, 1)
    other.close()


def test_a_message_waits_for_a_receiver_that_is_down_and_comes_once(desk: Desk, receiver: Receiver) -> None:
    quick = Receiver()
    desk.addresses(quick.address, receiver.address)
    receiver.status = 503
    desk.run("r-1", fails=True)
    main(desk.arguments)
    receiver.status = 200
    refused = len(receiver.requests)
    for number in (2, 3):
        desk.run(f"r-{number}", fails=True)
        main(desk.arguments)
    assert len(receiver.requests) == refused + 1
    assert len(quick.messages) == 1
    quick.close()


def test_no_address_and_no_secret_is_in_the_file_which_is_its_owners_alone(desk: Desk, receiver: Receiver) -> None:
    receiver.status = 500
    desk.addresses(receiver.address)
    desk.run("r-1", fails=True)
    main(desk.arguments)
    file = desk.folder / "memory.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert TOKEN not in file.read_text()
    assert len(json.loads(file.read_text())["pending"]) == 1


def test_a_service_that_never_answers_holds_neither_the_others_nor_the_process() -> None:
    def send(address: str, _message: Message) -> str | None:
        if address == "slow://x":
            time.sleep(300)
        return None

    got: list[str] = []
    began = time.monotonic()
    messages = {"slow://x": [Message("t", "b")], "quick://x": [Message("t", "b")]}
    outcomes = deliver(messages, lambda address, _message: got.append(address), send, seconds=0.3)
    assert time.monotonic() - began < 60
    assert got == ["quick://x"]
    assert [each.problem for each in outcomes] == ["no answer within 0.3 s", None]


def test_a_service_that_breaks_is_a_problem_of_its_own() -> None:
    def send(_address: str, _message: Message) -> str | None:
        raise RuntimeError(TOKEN)

    (outcome,) = deliver({"x://": [Message("t", "b"), Message("t", "c")]}, lambda *_: None, send)
    assert outcome.problem == "it broke: RuntimeError"


def test_a_run_that_left_no_report_is_told_once(desk: Desk, receiver: Receiver) -> None:
    desk.addresses(receiver.address)
    desk.ended("success")
    main(desk.arguments)
    desk.ended("timeout")
    main(desk.arguments)
    main(desk.arguments)
    (only,) = receiver.messages
    assert only.startswith("The last run ended without its report (timeout)")
    desk.run("r-1")
    main(desk.arguments)
    assert receiver.messages[-1].startswith("The run succeeds again")


@pytest.mark.parametrize("garbage", ["", "{", "[]", "null", '{"version": 1}', '{"version": 9}'])
def test_a_corrupt_file_tells_what_is_wrong_again_and_fails_nothing(
    desk: Desk, receiver: Receiver, garbage: str
) -> None:
    (desk.folder / "memory.json").write_text(garbage)
    desk.addresses(receiver.address)
    desk.run("r-1", fails=True)
    assert main(desk.arguments) == 0
    assert len(receiver.messages) == 1


@pytest.mark.parametrize("garbage", ["", "{", "[]", '{"version": 1, "servers": 4}'])
def test_a_state_that_cannot_be_read_tells_nothing(desk: Desk, receiver: Receiver, garbage: str) -> None:
    desk.addresses(receiver.address)
    (desk.folder / "state.json").write_text(garbage)
    assert main(desk.arguments) == 0
    assert receiver.messages == []


def test_what_cannot_be_noted_is_not_sent(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    sent: list[str] = []
    desk.addresses("json://127.0.0.1")
    desk.run("r-1", fails=True)
    (desk.folder / "memory.json").mkdir()
    assert main(desk.arguments) == 1
    assert sent == []
    assert "memory.json: cannot be written" in capsys.readouterr().err


def test_without_an_address_nobody_is_told_and_nothing_is_written(desk: Desk) -> None:
    assert main(desk.arguments) == 0
    assert not (desk.folder / "memory.json").exists()


def test_a_reference_without_a_value_is_named_and_the_address_is_not(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.addresses("slack://${NOBODY_SETS_THIS}")
    assert main(desk.arguments) == 1
    assert "[notify] urls, word 1: '${NOBODY_SETS_THIS}' is not set" in capsys.readouterr().err


def test_old_messages_and_too_many_are_dropped(desk: Desk) -> None:
    box = Outbox()
    for number in range(outbox.MOST_MESSAGES + 5):
        box.add(Message("t", str(number)), ["a"], now=1000.0)
    assert next(each.body for each in box.waiting("a")) == "5"
    assert box.drop(["a"], now=1000.0 + outbox.LONGEST_WAIT + 1) == outbox.MOST_MESSAGES
    assert box.pending == []


def test_an_address_that_is_no_longer_in_the_settings_is_not_waited_for() -> None:
    box = Outbox()
    box.add(Message("t", "b"), ["a", "b"], now=1.0)
    box.drop(["b"], now=2.0)
    assert (box.waiting("a"), len(box.waiting("b"))) == ([], 1)


def test_an_outbox_comes_back_as_it_was_written(tmp_path: Path) -> None:
    box = Outbox({"time": "failing"}, "r-1", 12.5)
    box.add(Message("t", "b"), ["a", "b"], now=1.0)
    writer_of(str(tmp_path / "m"))(box)
    assert read_outbox(str(tmp_path / "m")) == box


def test_the_test_says_what_came_of_each_address(
    desk: Desk, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.addresses(receiver.address, f"json://127.0.0.1:1/{TOKEN}", f"nosuch://{TOKEN}")
    assert main([*desk.arguments, "--test"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "json (address 1): delivered"
    assert lines[1].startswith("json (address 2): not delivered: ")
    assert lines[2] == "nosuch (address 3): not delivered: Apprise does not know such an address"
    assert not any(TOKEN in line for line in lines)
    assert receiver.messages == ["This is a test: messages about the fleet arrive here.\nhttp://127.0.0.1:8080/monitor"]


def test_the_test_without_addresses_says_so(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*desk.arguments, "--test"]) == 1
    assert "[notify] urls is empty" in capsys.readouterr().err


def test_apprise_says_by_the_truth_of_its_result_what_came_of_it(receiver: Receiver) -> None:
    assert by_apprise(receiver.address, Message("t", "b")) is None
    receiver.status = 500
    problem = by_apprise(receiver.address, Message("t", "b"))
    assert problem is not None
    assert TOKEN not in problem
