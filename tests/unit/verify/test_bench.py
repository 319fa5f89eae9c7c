"""Cases as benchmarks."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp.server import MCPServer
from verify.bench import Figures, percentiles, run_bench
from verify.suite import Bench, Case, Expectation, Step
from verify.target import Target

from tests.unit.verify.servers import shop

STOCK = Step("call_tool", "stock")


def measured(*steps: Step, bench: Bench, server: MCPServer | None = None, **more: Any) -> Figures:
    case = Case("a", steps, bench=bench, **more)
    return anyio.run(run_bench, "a.yml", case, Target("shop", server=server or shop()), "auto", {})


def test_the_figures_are_of_each_step_for_as_long_as_was_asked() -> None:
    price = Step("call_tool", "price", {"item": "tea"}, expect=(Expectation("json.price", {"equals": 2.5}),))
    found = measured(STOCK, price, bench=Bench(concurrency=3, duration=0.3)).to_dict()
    assert 0.3 <= found["duration"] < 2
    assert found["errors"] == 0
    assert found["requests"] >= 6
    assert list(found["steps"]) == ["call_tool stock", "call_tool price"]
    assert found["rate"] == pytest.approx(found["requests"] / found["duration"], rel=0.01)


def test_a_rate_is_kept_to() -> None:
    found = measured(STOCK, bench=Bench(concurrency=2, duration=0.5, rate=20))
    assert 8 <= len(found.seconds["call_tool stock"]) <= 10


def test_a_turn_that_is_late_counts_from_when_it_was_due() -> None:
    slow = Step("call_tool", "stock", {"wait": 0.1})
    found = measured(slow, bench=Bench(concurrency=1, duration=0.5, rate=40))
    assert found.to_dict()["steps"]["call_tool stock"]["max"] > 200


def test_requests_that_are_not_as_expected_are_counted_by_what_was_wrong() -> None:
    tea = Step("call_tool", "price", {"item": "gold"})
    late = Step("call_tool", "stock", {"wait": 0.02}, expect=(Expectation(within=0.001),))
    found = measured(tea, late, bench=Bench(duration=0.2))
    assert found.errors == sum(map(len, found.seconds.values())) > 0
    assert "call_tool price: error tool: the result is an error" in found.wrong


def test_setup_and_teardown_are_done_once_a_session() -> None:
    server = shop(flakes_every=2)
    found = measured(
        Step("call_tool", "price", {"item": "tea"}),
        bench=Bench(duration=0.1),
        server=server,
        setup=(STOCK,),
        teardown=(STOCK,),
    )
    assert list(found.wrong) == ["teardown step 1 call_tool stock: error tool: Error executing tool stock: try again"]


def test_a_server_that_is_not_there_is_an_error_and_no_more() -> None:
    case = Case("a", (STOCK,), bench=Bench(concurrency=2, duration=0.1))
    found = anyio.run(run_bench, "a.yml", case, Target("a", "http://127.0.0.1:9/mcp"), "auto", {})
    assert found.wrong == {"error connection: All connection attempts failed": 2}


def test_a_percentile_is_the_value_below_which_so_many_stayed() -> None:
    assert percentiles([each / 1000 for each in range(1, 201)]) == {"p50": 100, "p90": 180, "p99": 198, "max": 200}
