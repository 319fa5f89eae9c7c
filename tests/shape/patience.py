"""How long tests must bear with a slow machine: one with other work to do is no fault of what is tested."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.shape.source import Offence, Source

LEAST_SECONDS = 20
_TEST = re.compile(r"(?:^|/)tests/(?:.*/)?test_\w+\.py$")
_CLOCKS = ("monotonic", "perf_counter", "time")


def check_patience(sources: list[Source]) -> Iterator[Offence]:
    """Finds tests that fail where something takes a few seconds: by the difference of two times, or by a deadline."""
    for source in sources:
        if not _TEST.search(source.path):
            continue
        for node in source.nodes:
            if not isinstance(node, ast.Compare | ast.Call):
                continue
            seconds = _bound(node) if isinstance(node, ast.Compare) else _deadline(node)
            if seconds is not None and seconds < LEAST_SECONDS:
                text = (
                    f"{seconds:g} s are too few where others use the machine: compare with what happens meanwhile, "
                    f"or leave {LEAST_SECONDS} s or more; figures belong into a benchmark"
                )
                yield Offence(source.path, node.lineno, "impatient", f"{seconds:g} s", text)


def _bound(node: ast.Compare) -> float | None:
    """The seconds below which the difference of two times has to be."""
    for left, sign, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
        if isinstance(sign, ast.Lt | ast.LtE) and _is_span(left):
            return _number(right)
    return None


def _is_span(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.left, ast.Call)
        and isinstance(node.left.func, ast.Attribute)
        and node.left.func.attr in _CLOCKS
    )


def _deadline(node: ast.Call) -> float | None:
    """The seconds that a call of ``until`` gives its condition, where it names a number."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "until"):
        return None
    named = [each.value for each in node.keywords if each.arg == "seconds"]
    return next((_number(each) for each in [*named, *node.args[2:]]), None)


def _number(node: ast.expr) -> float | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None
