"""What Prometheus and Alertmanager say, and rules in a hurry."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

# A minute of the rules is two seconds here, and no window is shorter than ten scrapes.
_SECONDS_OF_A_MINUTE, _SHORTEST_WINDOW = 2, 20


def hurried(rules: str) -> str:
    """Returns rules whose times of waiting and windows are shorter, and nothing else is."""
    rules = re.sub(r"(for: )(\d+)m", lambda found: f"{found[1]}{int(found[2]) * _SECONDS_OF_A_MINUTE}s", rules)
    rules = rules.replace("[1h]", "[60m]")
    return re.sub(
        r"\[(\d+)m\]", lambda found: f"[{max(int(found[1]) * _SECONDS_OF_A_MINUTE, _SHORTEST_WINDOW)}s]", rules
    )


def get(address: str, path: str) -> Any:
    """Returns what a path is answered with, which is JSON."""
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        return json.loads(answer.read())


def results(address: str, query: str) -> list[Mapping[str, Any]]:
    """Returns the samples of a query now; raises urllib.error.HTTPError where Prometheus does not take it."""
    samples: list[Mapping[str, Any]] = get(address, f"/api/v1/query?{urllib.parse.urlencode({'query': query})}")[
        "data"
    ]["result"]
    return samples


def firing(address: str) -> set[str]:
    """Returns the names of the alerts that Alertmanager has been told of and that have not ended."""
    return {alert["labels"]["alertname"] for alert in get(address, "/api/v2/alerts?active=true")}
