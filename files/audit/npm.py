"""Asking npm's registry, as ``npm audit`` does, without a project and without node.

https://docs.npmjs.com/cli/v10/commands/npm-audit#bulk-advisory-endpoint
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator

from audit.finding import UNRANKED, Finding, Package, Unanswered

ENDPOINT = "/-/npm/v1/security/advisories/bulk"
PATIENCE = 60  # seconds


def ask_npm(packages: Iterable[Package], registry: str) -> list[Finding]:
    """The advisories for these packages. Raises Unanswered."""
    found: list[Finding] = []
    # An answer names the package and not the version, so that each question has one version of a package.
    for versions in _rounds(packages):
        asked = {name: [version] for name, version in versions.items()}
        answer = _answer(registry.rstrip("/") + ENDPOINT, asked)
        found += [
            Finding(
                Package("npm", name, versions[name]),
                str(advisory.get("url") or advisory.get("id")),
                str(advisory.get("severity", UNRANKED)),
                f"outside {advisory['vulnerable_versions']}" if "vulnerable_versions" in advisory else "",
            )
            for name, advisories in answer.items()
            if name in versions
            for advisory in advisories
        ]
    return found


def _rounds(packages: Iterable[Package]) -> Iterator[dict[str, str]]:
    left = sorted(packages)
    while left:
        first = {each.name: each.version for each in reversed(left)}
        yield first
        left = [each for each in left if first[each.name] != each.version]


def _answer(url: str, asked: dict[str, list[str]]) -> dict[str, list[dict[str, object]]]:
    if not url.startswith(("https://", "http://")):
        raise Unanswered(f"{url} is not an address of a registry; set NPM_CONFIG_REGISTRY")
    request = urllib.request.Request(  # noqa: S310 - checked above
        url, json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
            answer = json.load(response)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Unanswered(f"npm's advisories: {url} does not answer as npm does: {error}") from error
    if not isinstance(answer, dict) or not all(isinstance(each, list) for each in answer.values()):
        raise Unanswered(f"npm's advisories: {url} does not answer as npm does")
    return answer
