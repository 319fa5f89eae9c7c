"""Asking PyPI's advisories, by pip-audit.

https://github.com/pypa/pip-audit: it exits 1 for findings and for its own failures alike, so its answer decides.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from audit.finding import UNRANKED, Finding, Package, Unanswered

PATIENCE = 1800  # seconds: it asks for one package after another


def ask_pypi_for_lock(program: str, lock: Path) -> tuple[set[Package], list[Finding]]:
    """The packages of a lock with hashes, and the advisories for them. Raises Unanswered."""
    return _ask(program, ["--require-hashes", "-r", str(lock)], lock.name)


def ask_pypi(program: str, packages: Iterable[Package]) -> list[Finding]:
    """The advisories for these packages. Raises Unanswered."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.writelines(f"{each.name}=={each.version}\n" for each in sorted(packages))
        file.flush()
        return _ask(program, ["--no-deps", "-r", file.name], "the images' packages")[1]


def _ask(program: str, arguments: Sequence[str], what: str) -> tuple[set[Package], list[Finding]]:
    command = [program, "--disable-pip", "--format", "json", "--progress-spinner", "off", *arguments]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        dependencies = json.loads(run.stdout)["dependencies"]
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
        said = run.stderr.strip().splitlines()[-1:] if "run" in locals() else []
        raise Unanswered(f"PyPI's advisories for {what}: {' '.join(said) or error}") from error
    # What pip-audit could not look up it leaves out and exits 0: no answer is not a clean answer.
    skipped = [each for each in dependencies if "skip_reason" in each]
    if skipped:
        raise Unanswered(
            f"PyPI's advisories for {what}: {len(skipped)} of {len(dependencies)} packages could not be looked up"
            f" ({skipped[0]['skip_reason']}); does this machine reach https://pypi.org/pypi?"
        )
    packages = {Package("pypi", str(each["name"]), str(each["version"])) for each in dependencies}
    found = [
        Finding(
            Package("pypi", str(each["name"]), str(each["version"])),
            str(advisory["id"]),
            UNRANKED,
            ", ".join(advisory.get("fix_versions", ())),
        )
        for each in dependencies
        for advisory in each.get("vulns", ())
    ]
    return packages, found
