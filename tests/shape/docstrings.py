"""Which public names need a docstring.

Public are modules, classes, functions, and the methods of public classes. Exempt are names that say nothing new:
`main`, methods with two underscores, setters, and methods that a base class defines already or a protocol of the
package documents.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.shape.source import COLLECTION, PACKAGES, PRODUCT, Offence, Source

Function = ast.FunctionDef | ast.AsyncFunctionDef

# Ansible wants the documentation of a plugin in constants of the module.
_PLUGINS = f"{COLLECTION}/plugins/"
_DOCUMENTATION = ("DOCUMENTATION", "class ModuleDocFragment")
# What methods of these bases are called is not ours to choose.
_FOREIGN = ("Protocol", "object", "Generic", "Exception", "RuntimeError", "ValueError", "NamedTuple", "Enum", "StrEnum")


@dataclass
class _Classes:
    """What the classes of one package promise: their methods and bases by class name."""

    methods: dict[str, set[str]] = field(default_factory=dict)
    bases: dict[str, list[str]] = field(default_factory=dict)
    promised: set[str] = field(default_factory=set)
    """Methods with a docstring in any protocol of the package."""

    def read(self, source: Source) -> None:
        for node in source.nodes:
            if not isinstance(node, ast.ClassDef):
                continue
            bases = [_last_name(base) for base in node.bases]
            functions = [item for item in node.body if isinstance(item, Function)]
            self.methods.setdefault(node.name, set()).update(item.name for item in functions)
            self.bases.setdefault(node.name, []).extend(bases)
            if "Protocol" in bases:
                self.promised.update(item.name for item in functions if ast.get_docstring(item))

    def overrides(self, base: str, method: str, seen: frozenset[str] = frozenset()) -> bool:
        """Says whether the base defines the method, or is of another library, whose methods are not known."""
        if base in seen or base in _FOREIGN:
            return False
        if base not in self.methods:
            return True
        bases = self.bases[base]
        return method in self.methods[base] or any(self.overrides(each, method, seen | {base}) for each in bases)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    if isinstance(node, ast.Attribute):
        # asyncio.Protocol is a class like any other.
        return node.attr if node.attr != "Protocol" or _last_name(node.value) == "typing" else "asyncio.Protocol"
    return getattr(node, "id", "")


def check_docstrings(sources: list[Source]) -> Iterator[Offence]:
    """Finds public names of the product without a docstring."""
    product = [source for source in sources if source.is_python and source.is_below(PRODUCT)]
    classes: dict[str, _Classes] = {}
    for source in product:
        classes.setdefault(_package(source), _Classes()).read(source)
    for source in product:
        if _needs_docstring(source) and not ast.get_docstring(source.tree):
            yield Offence(source.path, 1, "docstring", "module", "the module has no docstring")
        yield from _check_body(source, source.tree.body, classes[_package(source)], None)


def _package(source: Source) -> str:
    return next((package for package in PACKAGES if source.is_below([package])), "")


def _needs_docstring(source: Source) -> bool:
    if source.path.startswith(_PLUGINS) and any(word in source.text for word in _DOCUMENTATION):
        return False
    return bool(source.tree.body)


def _check_body(
    source: Source, body: list[ast.stmt], classes: _Classes, owner: ast.ClassDef | None
) -> Iterator[Offence]:
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from _check_body(source, [*node.body, *node.orelse], classes, owner)
        if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_") or node.name == "main":
            continue
        name = f"{owner.name}.{node.name}" if owner else node.name
        if not ast.get_docstring(node) and not _is_exempt(node, classes, owner):
            yield Offence(source.path, node.lineno, "docstring", name, f"{name} has no docstring")
        if isinstance(node, ast.ClassDef):
            yield from _check_body(source, node.body, classes, node)


def _is_exempt(node: ast.ClassDef | Function, classes: _Classes, owner: ast.ClassDef | None) -> bool:
    if isinstance(node, ast.ClassDef):
        return node.name == "ModuleDocFragment"
    decorators = {_last_name(item.func if isinstance(item, ast.Call) else item) for item in node.decorator_list}
    if decorators & {"setter", "overload", "override"}:
        return True
    if owner is None:
        return False
    bases = [_last_name(base) for base in owner.bases]
    if "Protocol" not in bases and node.name in classes.promised:
        return True
    return any(classes.overrides(base, node.name) for base in bases)
