"""The command: what people, JUnit's readers and the monitor get of a verification."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from junitparser import Failure, JUnitXml
from verify.__main__ import main

from tests.unit.verify.servers import served, shop

FILES = Path(__file__).resolve().parents[3] / "files"
SUITE = """
servers: [shop]
protocols: [legacy, modern]
cases:
  - name: knows the price of tea
    steps: [{call_tool: price, arguments: {item: tea}, expect: [{path: json.price, equals: 2.5}]}]
  - name: has gold
    steps: [{call_tool: price, arguments: {item: gold}}]
  - name: always has stock
    steps: [{call_tool: stock}]
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(shop(flakes_every=2)) as address:
        yield address


def state(folder: Path, **urls: str) -> Path:
    """A state file in which servers answer at these addresses, and ``gone`` has no route."""
    servers: list[dict[str, Any]] = [
        {
            "name": name,
            "condition": "ok",
            "transport": "http",
            "client": {"type": "http", "url": url},
            "endpoint": {"address": "127.0.0.1", "port": 1, "url": url},
        }
        for name, url in urls.items()
    ]
    stopped = {"name": "gone", "condition": "stopped", "text": {"condition": "stopped by alice"}, "client": None}
    path = folder / "state.json"
    path.write_text(json.dumps({"servers": [*servers, stopped], "remotes": []}))
    return path


def verify(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in this process, which has imported everything already."""
    words = list(map(str, arguments))
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def verify_apart(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as a program of its own."""
    environment = {**os.environ, "PYTHONPATH": str(FILES)}
    words = [sys.executable, "-m", "verify", *map(str, arguments)]
    return subprocess.run(words, env=environment, text=True, capture_output=True, check=False, timeout=120)


def test_the_results_are_a_table_a_junit_file_and_a_json_file(url: str, tmp_path: Path) -> None:
    suite = tmp_path / "shop.yml"
    suite.write_text(SUITE)
    junit, results = tmp_path / "junit.xml", tmp_path / "verify.json"
    results.write_text('{"version": 1, "servers": [{"name": "earlier"}]}')
    where = ("--state", state(tmp_path, shop=url))
    done = verify_apart(suite, *where, "--junit", junit, "--json", results, "--tries", 2)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "shop    6      2 passed, 2 flaky, 2 failed  " in done.stdout
    assert "shop.yml: shop (legacy): has gold\n  step 1 call_tool price: error tool: " in done.stdout
    assert "flaky: it failed in 1 of 2 tries" in done.stdout

    cases = {case.name: case for group in JUnitXml.fromfile(str(junit)) for case in group}
    assert len(cases) == 6
    failures = {name for name, case in cases.items() if any(isinstance(each, Failure) for each in case.result)}
    assert {name.partition(" [")[0] for name in failures} == {"has gold", "always has stock"}
    assert all(case.time > 0 for case in cases.values())

    written = json.loads(results.read_text())
    assert [each["name"] for each in written["servers"]] == ["earlier", "shop"]
    schema = json.loads((FILES / "verification.schema.json").read_text())
    jsonschema.validate({**written, "servers": written["servers"][1:]}, schema)
    assert [each["verdict"] for each in written["servers"][1]["cases"][:3]] == ["passed", "failed", "flaky"]


def test_a_first_file_of_what_a_server_lists_is_right_at_once(url: str, tmp_path: Path) -> None:
    where = ("--name", "shop", "--url", url)
    assert main([str(tmp_path), "--init", *where]) == 0
    text = (tmp_path / "shop.yml").read_text()
    assert "contains: stock" in text
    assert "#     - call_tool: price\n#       arguments:\n#         item: text\n" in text
    assert verify(tmp_path, *where).returncode == 0
    assert main([str(tmp_path), "--init", *where]) == 2  # what is there is not written over


def test_a_recorded_baseline_stands_beside_a_later_verification(tmp_path: Path) -> None:
    (tmp_path / "shop.yml").write_text("servers: [shop]\ncases: [{name: a, steps: [{call_tool: stock}]}]\n")
    with served(shop()) as right, served(shop(without="price")) as wrong:
        assert verify(tmp_path, "--name", "shop", "--url", right, "--record").returncode == 0
        done = verify(tmp_path, "--name", "shop", "--url", wrong, "--json", tmp_path / "verify.json")
    assert (done.returncode, "breaking: tool price: it is gone" in done.stdout) == (1, True), done.stdout
    written = json.loads((tmp_path / "verify.json").read_text())
    jsonschema.validate(written, json.loads((FILES / "verification.schema.json").read_text()))
    assert written["servers"][0]["changes"] == [{"where": "tool price", "text": "it is gone", "breaking": True}]


def test_a_benchmark_prints_a_table_and_a_line_of_json(url: str, tmp_path: Path) -> None:
    case = "{name: a, bench: {duration: 0.3}, steps: [{call_tool: price, arguments: {item: tea}}]}"
    (tmp_path / "shop.yml").write_text(f"servers: [shop]\ncases: [{case}, {{name: b, steps: [{{list_tools: }}]}}]\n")
    done = verify(tmp_path, "--name", "shop", "--url", url, "--bench")
    assert done.returncode == 0, done.stdout + done.stderr
    (figures,) = json.loads(done.stdout.splitlines()[-1])
    assert (figures["case"], figures["errors"]) == ("a", 0)
    assert f"call_tool price  {figures['rate']}" in done.stdout


def test_a_value_that_the_environment_lacks_is_said_without_a_traceback(url: str, tmp_path: Path) -> None:
    headers = 'headers: {Authorization: "Bearer ${env:NO_SUCH}"}'
    (tmp_path / "shop.yml").write_text(f"servers: [shop]\n{headers}\ncases: [{{name: a, steps: [{{wait: 0}}]}}]\n")
    done = verify(tmp_path, "--name", "shop", "--url", url, "--record")
    assert (done.returncode, done.stdout.count("the environment has no NO_SUCH; set it before")) == (1, 2)
    assert "Traceback" not in done.stdout + done.stderr


def test_a_part_is_chosen_by_name_and_by_expression(url: str, tmp_path: Path) -> None:
    (tmp_path / "shop.yml").write_text(SUITE)
    done = verify(tmp_path / "shop.yml", "--name", "shop", "--url", url, "--select", "tea and legacy")
    assert (done.returncode, "1 passed, 5 deselected" in done.stdout) == (0, True), done.stdout


def test_a_server_that_does_not_run_fails_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "gone.yml").write_text(SUITE.replace("[shop]", "[gone]"))
    done = verify(tmp_path / "gone.yml", "--state", state(tmp_path))
    assert done.returncode == 1
    assert "server: it is stopped by alice" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--name", "nobody"], "there is no server nobody in "),
        (["--name", "gone"], "no file is for gone; write a first one with make verify-init NAME=…"),
        ([], "shop.yml: shop: there is no such server; there are: gone"),
        (["--url", "http://127.0.0.1:9/mcp"], "give the one name under which files know the server"),
    ],
)
def test_what_cannot_be_verified_is_said_with_the_way_out(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yml").write_text(SUITE)
    assert main([str(tmp_path / "shop.yml"), "--state", str(state(tmp_path)), *words]) == 2
    assert said in capsys.readouterr().err


def test_without_a_state_file_the_way_out_is_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.yml").write_text(SUITE)
    assert main([str(tmp_path), "--state", str(tmp_path / "none.json")]) == 2
    assert "start a run first (make sync)" in capsys.readouterr().err
