"""Which folder of the bridge may import which, as its README says."""

from __future__ import annotations

from pathlib import Path

from tests.shape.imports import import_graph
from tests.shape.source import Source
from tests.unit.bridge.client import ROOT

MAY_IMPORT = {
    "protocol": set(),
    "process": {"protocol"},
    "upstream": {"protocol", "process"},
    "http": {"protocol"},
    "transport": {"protocol", "process", "upstream", "http"},
}
FOR_ALL = {"limits", "log", "metrics", "printable", "services"}


def folder_of(module: str) -> str:
    """The folder, or the module beside the folders, that a dotted name begins with."""
    return [*module.split("."), ""][1]


def test_no_folder_imports_one_above_it() -> None:
    files = sorted(Path(ROOT, "files/bridge").glob("**/*.py"))
    graph = import_graph([Source(str(path.relative_to(ROOT)), path.read_text()) for path in files])
    assert len(graph) > 50
    wrong = [
        f"{name} imports {target}"
        for name, targets in graph.items()
        if (folder := folder_of(name)) in MAY_IMPORT
        for target in targets
        if folder_of(target) not in {folder} | MAY_IMPORT[folder] | FOR_ALL
    ]
    assert wrong == []
