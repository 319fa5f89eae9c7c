"""Known vulnerabilities of this product's locks and of the images that it built.

    python -m audit [--level LEVEL] [--sboms FOLDER] [LOCK…]

Exit code 0 where nothing is known at or above the level, 1 where something is, 2 where a source could not be asked or
read and nothing else was found: no answer is not a clean answer.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from audit.bill import Unreadable, read_bill
from audit.finding import LEVELS, Finding, Package, Unanswered
from audit.npm import ask_npm
from audit.pypi import ask_pypi, ask_pypi_for_lock


def main(arguments: Sequence[str]) -> int:
    """Asks, prints what was found and returns the exit code."""
    parser = argparse.ArgumentParser(prog="audit", description="Known vulnerabilities of locks and of built images.")
    parser.add_argument("locks", nargs="*", type=Path, metavar="LOCK", help="a lock of Python packages with hashes")
    parser.add_argument("--sboms", type=Path, help="the folder of the images' bills of materials")
    parser.add_argument("--level", choices=LEVELS, default="low", help="the least that counts (default: low)")
    options = parser.parse_args(arguments)
    inventory = _Inventory()
    for path in sorted(options.sboms.glob("*.cdx.json")) if options.sboms else ():
        inventory.read(path)
    for lock in options.locks:
        inventory.ask(partial(_lock, lock, inventory))
    inventory.ask_registries()
    counting = [each for each in sorted(set(inventory.found)) if each.counts(options.level)]
    for finding in counting:
        print(_line(finding, sorted(inventory.places[finding.package])))
    for problem in inventory.problems:
        print(f"not known: {problem}", file=sys.stderr)
    print(inventory.summary(len(counting), options.level))
    return 1 if counting else 2 if inventory.problems else 0


class _Inventory:
    """The packages and where each is used, what was found, and what could not be learned."""

    def __init__(self) -> None:
        self.places: dict[Package, set[str]] = {}
        self.found: list[Finding] = []
        self.problems: list[str] = []
        self.others = 0
        self._of_images: set[Package] = set()

    def note(self, place: str, packages: set[Package]) -> None:
        for package in packages:
            self.places.setdefault(package, set()).add(place)

    def read(self, path: Path) -> None:
        try:
            subject, packages, others = read_bill(path)
        except Unreadable as error:
            self.problems.append(str(error))
            return
        self.note(subject, packages)
        self._of_images |= packages
        self.others += others

    def ask(self, source: Callable[[], list[Finding]]) -> None:
        try:
            self.found += source()
        except Unanswered as error:
            self.problems.append(str(error))

    def ask_registries(self) -> None:
        npm = {each for each in self._of_images if each.registry == "npm"}
        pypi = self._of_images - npm
        if pypi:
            self.ask(lambda: ask_pypi(_pip_audit(), pypi))
        if npm:
            registry = os.environ.get("NPM_CONFIG_REGISTRY") or "https://registry.npmjs.org"
            self.ask(lambda: ask_npm(npm, registry))

    def summary(self, count: int, level: str) -> str:
        others = f"; {self.others} others, Debian's above all, were not looked up" if self.others else ""
        return f"{count} known vulnerabilities from level {level} on, in {len(self.places)} packages{others}"


def _lock(lock: Path, inventory: _Inventory) -> list[Finding]:
    packages, found = ask_pypi_for_lock(_pip_audit(), lock)
    inventory.note(str(lock), packages)
    return found


def _pip_audit() -> str:
    """That of this environment, or another one for tests."""
    return os.environ.get("PIP_AUDIT") or str(Path(sys.executable).parent / "pip-audit")


def _line(finding: Finding, places: Sequence[str]) -> str:
    package = finding.package
    fixed = f", fixed: {finding.fixed}" if finding.fixed else ""
    return (
        f"{package.registry} {package.name} {package.version}: {finding.advisory} ({finding.severity}{fixed})"
        f" in {', '.join(places)}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
