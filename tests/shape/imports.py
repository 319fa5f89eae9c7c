"""Which module imports which: no circle, and no step up from config towards the report."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from tests.shape.source import MODULE_UTILS, PACKAGES, Offence, Source

# A package may import those before it in this order, never those after it.
LAYERS = (("config",), ("container",), ("routing",), ("alb",), ("kubernetes",), ("state",))
_RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
_ORDER = " -> ".join("|".join(layer) for layer in LAYERS)

Graph = Mapping[str, Mapping[str, int]]
"""Each module's imports, with the line of the first import of each."""


def module_name(path: str) -> str:
    """Returns the dotted name of a file, as imports write it."""
    dotted = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return dotted.removeprefix("collections.").removeprefix("files.")


def import_graph(sources: list[Source]) -> dict[str, dict[str, int]]:
    """Returns who imports whom among these files, whether at the top, in a function or under TYPE_CHECKING."""
    known = {module_name(source.path) for source in sources}
    graph: dict[str, dict[str, int]] = {}
    for source in sources:
        name = module_name(source.path)
        imports = graph.setdefault(name, {})
        for target, line in _imports(source, name):
            found = _closest(target, known)
            if found and found != name:
                imports.setdefault(found, line)
    return graph


def _imports(source: Source, name: str) -> Iterator[tuple[str, int]]:
    is_package = source.path.endswith("/__init__.py")
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name.split(".")[: len(name.split(".")) - node.level + is_package]
                base = ".".join([*package, *([base] if base else [])])
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def _closest(target: str, known: set[str]) -> str | None:
    """Returns the module that holds the target, which may be a name inside it."""
    while target and target not in known:
        target = target.rpartition(".")[0]
    return target or None


def circles(graph: Graph) -> list[list[str]]:
    """Returns the groups of modules that reach one another (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for following in graph.get(node, {}):
            if following not in index:
                visit(following)
                low[node] = min(low[node], low[following])
            elif following in stack:
                low[node] = min(low[node], index[following])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in index:
            visit(node)
    return sorted(found)


def check_circles(sources: list[Source]) -> Iterator[Offence]:
    """Finds import circles among the modules of each package, and among the packages of module_utils."""
    for package in PACKAGES:
        files = [source for source in sources if source.is_python and source.is_below([package])]
        paths = {module_name(source.path): source.path for source in files}
        graph = import_graph(files)
        for group in circles(graph):
            first = paths[group[0]]
            line = min(line for name, line in graph[group[0]].items() if name in group)
            short = ", ".join(name.removeprefix(f"{module_name(package)}.") for name in group)
            yield Offence(first, line, "import-circle", short, f"these modules import one another: {short}")
        if package == MODULE_UTILS:
            yield from _package_circles(graph, paths)


def _package_circles(graph: Graph, paths: Mapping[str, str]) -> Iterator[Offence]:
    prefix = f"{module_name(MODULE_UTILS)}."
    packages: dict[str, dict[str, int]] = {}
    for name, imports in graph.items():
        package = name.removeprefix(prefix).split(".")[0]
        for target in imports:
            other = target.removeprefix(prefix).split(".")[0]
            if other != package:
                packages.setdefault(package, {})[other] = 1
    for group in circles(packages):
        arrows = [
            f"{paths[name]}:{line}"
            for name, imports in sorted(graph.items())
            for target, line in imports.items()
            if (package := name.removeprefix(prefix).split(".")[0]) in group
            and (other := target.removeprefix(prefix).split(".")[0]) in group
            and package != other
        ]
        short = ", ".join(group)
        text = f"these packages import one another: {short} ({', '.join(arrows[:6])})"
        yield Offence(f"{MODULE_UTILS}/{group[0]}", 0, "import-circle", short, text)


def check_layers(sources: list[Source]) -> Iterator[Offence]:
    """Finds imports that go up the order of layers."""
    files = [source for source in sources if source.is_python and source.is_below([MODULE_UTILS])]
    prefix = f"{module_name(MODULE_UTILS)}."
    graph = import_graph(files)
    for source in files:
        name = module_name(source.path)
        package = name.removeprefix(prefix).split(".")[0]
        for target, line in graph[name].items():
            other = target.removeprefix(prefix).split(".")[0]
            if package in _RANK and other in _RANK and _RANK[other] > _RANK[package]:
                short = target.removeprefix(prefix)
                text = f"{package} imports {short}, which comes after it in {_ORDER}"
                yield Offence(source.path, line, "upward-import", short, text)
