"""How long files and functions may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.shape.source import Offence, Source

FILE_LINES = 400
FUNCTION_LINES = 60
_REASON = re.compile(rf"^# Longer than {FILE_LINES} lines: \S", re.MULTILINE)


def check_files(sources: list[Source]) -> Iterator[Offence]:
    """Finds files that are too long and have no line that says why."""
    for source in sources:
        lines = source.text.count("\n")
        if lines > FILE_LINES and not _REASON.search(source.text):
            text = f"{lines} lines, at most {FILE_LINES}; split it, or add '# Longer than {FILE_LINES} lines: REASON'"
            yield Offence(source.path, 1, "long-file", "file", text)


def check_functions(sources: list[Source]) -> Iterator[Offence]:
    """Finds functions that are too long."""
    for source in sources:
        if not source.is_python:
            continue
        for node in source.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    text = f"{node.name} has {lines} lines, at most {FUNCTION_LINES}"
                    yield Offence(source.path, node.lineno, "long-function", node.name, text)
