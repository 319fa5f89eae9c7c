"""Words that a reader has to look at twice, in error texts and in the names of tasks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.shape.source import PRODUCT, Offence, Source

# A pattern for each word, and what to write in its place. Keep this list short.
PLAIN = {
    r"(?i:wish(?:es|ed)?)": "desired",
    r"cannot be told": "'cannot be controlled' or 'is not known'",
    r"(?i:mend(?:s|ed|ing)?)": "fix",
    r"Let (?:the|it|them)": "what is done, in one verb",
    r"(?i:thereof|thereby|wherein|whence|whither|hither|thither|hereby|lest|henceforth)": "a shorter sentence",
}
_BANNED = re.compile("|".join(rf"\b({pattern})\b" for pattern in PLAIN))
_INSTEAD = list(PLAIN.values())
_YAML_TEXT = re.compile(r"^\s*(?:- )?(?:name|msg|fail_msg|success_msg|short_description|description): *(.*)")


def check_words(sources: list[Source]) -> Iterator[Offence]:
    """Finds banned words in the product's strings, docstrings apart, and in what the YAML of roles says."""
    for source in sources:
        if source.is_python and source.is_below(PRODUCT):
            texts = _python_texts(source)
        elif source.path.endswith(".yml") and source.is_below(["roles", "playbooks", "molecule"]):
            texts = _yaml_texts(source)
        else:
            continue
        for line, text in texts:
            for match in _BANNED.finditer(text):
                at = line + text.count("\n", 0, match.start())
                near = " ".join(text[max(0, match.start() - 30) : match.end() + 20].split())
                instead = _INSTEAD[(match.lastindex or 1) - 1]
                yield Offence(source.path, at, "word", near, f"'{match[0]}' in '…{near}…': write {instead}")


def _python_texts(source: Source) -> Iterator[tuple[int, str]]:
    docstrings = set()
    for node in source.nodes:
        # A string that stands alone is a docstring of what is before or around it.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(id(node.value))
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def _yaml_texts(source: Source) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if match := _YAML_TEXT.match(line):
            yield number, match[1]
