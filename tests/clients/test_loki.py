"""The queries for Loki that the documentation shows, by Grafana's own grammar of LogQL (make client-files)."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.conformance.node import CACHE, package

PAGE = Path(__file__).parents[2] / "docs/metrics.md"
FOLDER = CACHE / "logql"
PROGRAM = """
import { parser } from '@grafana/lezer-logql';
for (const query of JSON.parse(process.argv[2])) {
  let isWrong = false;
  parser.parse(query).iterate({ enter(node) { isWrong ||= node.type.isError; } });
  if (isWrong) console.log(query);
}
"""


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return package(FOLDER, "@grafana/lezer-logql@0.4.2", "@lezer/lr@1.4.10", "@lezer/common@1.5.5")


def wrong(queries: list[str], environment: dict[str, str]) -> list[str]:
    """Those of the queries that the grammar does not take."""
    program = FOLDER / "check.mjs"
    program.write_text(PROGRAM)
    run = subprocess.run(
        ["node", str(program), json.dumps(queries)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stdout.splitlines()


def test_every_query_is_one(environment: dict[str, str]) -> None:
    (block,) = re.findall(r"```\n(\{server=.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    queries = [re.split(r" {3,}", line)[0] for line in block.splitlines()]
    assert len(queries) >= 7
    assert wrong(queries, environment) == []


def test_what_is_none_is_found(environment: dict[str, str]) -> None:
    assert wrong(['{a="b"} |= ', "{a=b}", '{a="b"}'], environment) == ['{a="b"} |= ', "{a=b}"]
