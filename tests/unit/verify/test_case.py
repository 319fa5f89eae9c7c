"""Cases against a server in this process, over the SDK's client in both eras of the protocol."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import anyio
import pytest
from mcp.server import MCPServer
from verify.case import Record, run_case
from verify.read import read_file
from verify.target import Target

from tests.unit.verify.servers import shop

BOTH = pytest.mark.parametrize("protocol", ["legacy", "modern"])


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Does one case, whose keys ``text`` has, on a server."""

    def done(text: str, protocol: str = "auto", server: MCPServer | None = None, file: str = "") -> Record:
        path = tmp_path / "shop.yml"
        case = indent(dedent(text).strip(), "    ")
        path.write_text(f"servers: [shop]\n{dedent(file)}cases:\n  - name: a\n{case}\n")
        suite = read_file(path)
        target = Target("shop", server=server or shop())
        return anyio.run(run_case, suite.cases[0], target, protocol, suite.headers)

    return done


@BOTH
def test_each_kind_of_step_is_done_in_both_eras(run: Any, protocol: str) -> None:
    record = run(
        """
        steps:
          - initialize:
            expect: [{path: serverInfo.name, equals: shop}, {path: instructions, matches: prices}]
          - list_tools:
            expect: [{path: "tools[].name", equals: [price, stock, ask, order]}]
          - list_resources:
            expect: [{path: "resources[0].uri", equals: "shop://hours"}]
          - list_prompts:
            expect: [{path: "prompts[0].arguments[0].name", equals: name}]
          - wait: 0.01
          - call_tool: price
            arguments: {item: tea}
            expect: [{path: structuredContent.price, equals: 2.5}, {path: json.item, equals: tea}]
            save: {item: json.item}
          - read_resource: shop://hours
            expect: [{path: json.opens, equals: 8}]
          - get_prompt: greet
            arguments: {name: "${item}"}
            expect: [{matches: "^Greet tea$"}]
        """,
        protocol,
    )
    assert record.failures == []
    assert len(record.done) == 8


@BOTH
def test_errors_are_told_apart_by_their_kind(run: Any, protocol: str) -> None:
    record = run(
        """
        steps:
          - {call_tool: price, arguments: {item: gold}, expect: [{error: tool, matches: no gold}]}
          - {call_tool: price, expect: [{error: tool}]}
          - {call_tool: stock, arguments: {wait: 5}, timeout: 0.05, expect: [{error: timeout}]}
          - {call_tool: stock, arguments: {wait: 5}, cancel_after: 0.05, expect: [{error: cancelled}]}
          - {read_resource: "shop://nothing", expect: [{error: protocol}]}
          - {call_tool: stock}
        """,
        protocol,
    )
    assert record.failures == []


def test_the_server_gets_scripted_answers_to_its_sampling(run: Any) -> None:
    text = """
        sampling: [{when: weather, answer: rain}, {when: mood, answer: fine}]
        steps:
          - {call_tool: ask, arguments: {question: "which mood?"}, expect: [{matches: the model says fine}]}
          - {call_tool: ask, arguments: {question: "which colour?"}, expect: [{error: invalid_params}]}
        """
    assert run(text, "legacy").failures == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{when: may it be, content: {item: tea, amount: 3}}", "{matches: 3 tea}"),
        ("{action: decline}", "{matches: decline}"),
        ("{action: cancel}", "{matches: cancel}"),
        ("{when: something else, content: {item: tea}}", "{error: invalid_params}"),
    ],
)
def test_the_server_gets_what_a_person_would_fill_in(run: Any, entry: str, expected: str) -> None:
    text = f"elicitation: [{entry}]\nsteps: [{{call_tool: order, expect: [{expected}]}}]\n"
    assert run(text, "legacy").failures == []


def test_steps_stop_at_the_first_that_fails_and_the_teardown_is_done_all_the_same(run: Any) -> None:
    record = run(
        """
        setup: [{call_tool: stock}]
        steps:
          - {call_tool: stock, show: true, expect: [{matches: "13"}, {within: 0.000001}]}
          - {call_tool: price, arguments: {item: tea}}
        """,
        file="teardown: [{call_tool: price, arguments: {item: tea}}]\n",
    )
    assert [each.place for each in record.done] == ["setup step 1", "step 1", "teardown step 1"]
    assert record.failures[0] == "step 1 call_tool stock: its text is \"12 left\", which does not match '13'"
    assert len(record.failures) == 2


def test_a_failure_tells_what_a_server_lists_and_of_its_data_the_kind_alone(run: Any) -> None:
    listed = run("steps: [{list_tools: , expect: [{path: '[tools[0].name]', equals: [tea]}]}]").failures
    assert listed == ['step 1 list_tools: [tools[0].name] is ["price"], expected ["tea"]']
    called = run("steps: [{call_tool: stock, expect: [{path: text, equals: none}]}]").failures
    assert called == ['step 1 call_tool stock: text is a text of 7 characters, expected "none"']


def test_a_failing_setup_leaves_the_steps_out(run: Any) -> None:
    record = run("setup: [{call_tool: price, arguments: {item: gold}}]\nsteps: [{call_tool: stock}]")
    assert record.failures == ["setup step 1 call_tool price: error tool: Error executing tool price: no gold here"]


def test_a_server_of_the_older_era_is_not_taken_for_one_of_the_newer(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.session.MODERN_PROTOCOL_VERSIONS", ["2099-01-01"])
    record = run("steps: [{call_tool: stock}]", "modern")
    assert record.failures[0].startswith("initialize: error protocol: the server does not speak 2099-01-01")


def test_a_server_that_nobody_answers_for_is_a_failure_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("servers: [a]\ncases: [{name: a, steps: [{list_tools: }]}]\n")
    record = anyio.run(run_case, read_file(path).cases[0], Target("a", "http://127.0.0.1:9/mcp"), "auto", {})
    assert record.failures == ["initialize: error connection: All connection attempts failed"]


def test_what_comes_of_the_environment_is_in_no_failure(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "s3cr3t-value")
    record = run("steps: [{call_tool: price, arguments: {item: '${env:SHOP_TOKEN}'}}]")
    assert record.failures == ["step 1 call_tool price: error tool: Error executing tool price: no *** here"]


def test_a_variable_that_the_environment_does_not_have_is_named(run: Any) -> None:
    record = run("steps: [{call_tool: price, arguments: {item: '${env:NO_SUCH}'}}]")
    assert record.failures == [
        "step 1 call_tool price: the environment has no NO_SUCH; set it before you start the verification"
    ]
