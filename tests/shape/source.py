"""The files that are checked, and what is wrong with them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

COLLECTION = "collections/ansible_collections/mcp/orchestrator"
MODULE_UTILS = f"{COLLECTION}/plugins/module_utils"

# Programs that are packages of their own below files/, and the module_utils that the modules share.
PACKAGES = (
    MODULE_UTILS,
    "files/audit",
    "files/bridge",
    "files/firewall",
    "files/local_alb",
    "files/monitor",
    "files/verify",
    "files/traces",
    "files/watcher",
)
# Code that runs for users, in the difference to tests and benchmarks.
PRODUCT = (f"{COLLECTION}/plugins", *PACKAGES[1:])


@dataclass(frozen=True, order=True)
class Offence:
    """One breach of a rule: where it is and, in words, what it is."""

    path: str
    line: int
    rule: str
    name: str
    """What offends, without its place in the file, so that an allowance outlives an edit above it."""
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


@dataclass(frozen=True)
class Source:
    """One file by its path in the repository."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Returns the syntax tree of a Python file. Raises SyntaxError."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Returns all nodes of the syntax tree, which several checks look through."""
        return list(ast.walk(self.tree))

    @property
    def is_python(self) -> bool:
        """Says whether the file has a syntax tree."""
        return self.path.endswith(".py")

    def is_below(self, folders: Iterable[str]) -> bool:
        """Says whether one of the folders holds the file, at any depth."""
        return any(self.path.startswith(f"{folder}/") for folder in folders)


def read_sources(project: Path) -> list[Source]:
    """Reads every file of code that git tracks or would track."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py", "*.sh", "*.yml"],
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = sorted({name for name in listing.split("\0") if name and (project / name).is_file()})
    return [Source(name, (project / name).read_text(encoding="utf-8")) for name in names]
