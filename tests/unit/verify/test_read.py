"""Verification files: what they mean, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from verify.read import FilesWrong, read_file, read_files
from verify.suite import Bench, Sampling, Suite


def read(folder: Path, text: str) -> Suite:
    path = folder / "time.yml"
    path.write_text(dedent(text))
    return read_file(path)


def errors(folder: Path, text: str) -> list[str]:
    with pytest.raises(FilesWrong) as wrong:
        read(folder, text)
    return [line.removeprefix(f"{folder}/") for line in wrong.value.errors]


def test_a_file_says_which_servers_are_asked_what_in_which_protocols(tmp_path: Path) -> None:
    suite = read(
        tmp_path,
        """
        servers: [time, "clock*"]
        protocols: [legacy, modern]
        variables: {zone: UTC}
        sampling: [{when: weather, answer: rain}]
        setup: [{wait: 0}]
        cases:
          - name: tells the time
            bench: {concurrency: 2, duration: 1}
            steps:
              - call_tool: now
                arguments: {zone: "${zone}"}
                save: {at: json.time}
                expect: [{within: 1}, {error: tool}]
              - call_tool: "${at}"
        """,
    )
    case = suite.cases[0]
    assert [suite.applies_to(name) for name in ("time", "clock-2", "timer")] == [True, True, False]
    assert suite.protocols == ("legacy", "modern")
    assert (case.script.sampling, case.bench) == ((Sampling("weather", "rain"),), Bench(2, 1))
    assert [step.title for step in (*case.setup, *case.steps)] == ["wait 0", "call_tool now", "call_tool ${at}"]
    assert case.steps[0].errors == ("tool",)


def test_everything_that_is_wrong_with_the_shape_is_said_at_once_with_the_way_out(tmp_path: Path) -> None:
    assert errors(
        tmp_path,
        """
        servers: [time]
        protcols: [auto]
        cases:
          - name: a
            steps:
              - call_tol: now
              - call_tool: 3
              - wait: soon
          - steps: []
        """,
    ) == [
        "time.yml: there is no key 'protcols'; write 'protocols'",
        "time.yml: time: cases[0] (a).steps[0]: there is no key 'call_tol'; write 'call_tool'",
        "time.yml: time: cases[0] (a).steps[1].call_tool: 3 cannot stand here; give the tool's name",
        'time.yml: time: cases[0] (a).steps[2].wait: "soon" cannot stand here; give seconds, at most 600',
        "time.yml: time: cases[1]: 'name' is missing; give a sentence of at most 120 characters",
        "time.yml: time: cases[1].steps: it is empty; put at least one into it",
    ]


def test_everything_that_a_schema_does_not_see_is_said_at_once_too(tmp_path: Path) -> None:
    said = errors(
        tmp_path,
        """
        servers: [time]
        cases:
          - name: a
            steps:
              - {list_tools: , wait: 1}
              - {list_tools: , arguments: {a: 1}}
              - {call_tool: "${later}", save: {later: "a["}}
              - call_tool: x
                expect: [{path: a}, {matches: "("}, {schema: {type: 3}}]
          - name: a
            steps: [{wait: 1}]
        """,
    )
    assert [line.partition("time.yml: time: ")[2].partition(": ")[0] for line in said] == [
        "cases[1].name",
        "cases[0] (a).steps[0]",
        "cases[0] (a).steps[1].arguments",
        "cases[0] (a).steps[2].save.later",
        "cases[0] (a).steps[2]",
        "cases[0] (a).steps[3].expect[0]",
        "cases[0] (a).steps[3].expect[1].matches",
        "cases[0] (a).steps[3].expect[2].schema",
    ]
    assert "nothing sets ${later} before it; give it in variables, or save it in an earlier step" in said[4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("servers: [a\n", "time.yml: line 2: expected ',' or ']', but got '<stream end>'; correct the YAML"),
        ("- a\n", 'time.yml: ["a"] cannot stand here; What is asked of MCP servers'),
        ("", "time.yml: null cannot stand here"),
    ],
)
def test_what_is_no_file_of_this_kind_is_said(text: str, said: str, tmp_path: Path) -> None:
    assert errors(tmp_path, text)[0].startswith(said)


def test_the_mistakes_of_all_files_are_told_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text("servers: [time]\n")
    with pytest.raises(FilesWrong) as wrong:
        read_files(sorted(tmp_path.iterdir()))
    assert [line.removeprefix(f"{tmp_path}/")[:5] for line in wrong.value.errors] == ["a.yml", "b.yml"]
