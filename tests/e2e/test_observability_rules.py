"""The rules for Prometheus, by promtool's own unit tests: each alert goes off when it should, and ends."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.observability.queries import queries
from tests.observability.rule_cases import CASES, Case

PROJECT = Path(__file__).parents[2]
RULES = PROJECT / "files/observability/mcp.rules.yml"
RUNBOOKS = PROJECT / "docs/runbooks.md"


def alerts() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_prometheus_finds_no_fault_with_them() -> None:
    run = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def of_promtool(case: Case) -> dict[str, Any]:
    """The case as promtool takes it."""
    rule = alerts()[case.alert]
    labels = {"alertname": case.alert, "severity": case.severity, **case.labels}
    on = {"exp_labels": labels, "exp_annotations": {**rule["annotations"], "summary": case.summary}}
    times = {case.before: [], case.during: [] if case.never else [on], case.after: []}
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": case.alert, "exp_alerts": expected}
            for minute, expected in times.items()
        ],
    }


def test_each_goes_off_when_it_should_and_ends(tmp_path: Path) -> None:
    found = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [of_promtool(case) for case in CASES]}
    file = tmp_path / "test.yml"
    file.write_text(json.dumps(found))  # JSON is YAML
    run = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_each_alert_is_tested_and_has_its_runbook() -> None:
    assert alerts().keys() == {case.alert for case in CASES}
    headings = set(re.findall(r"^## (\w+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE))
    assert headings == alerts().keys()
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook_url"].endswith(f"/docs/runbooks.md#{name.lower()}")
        assert rule["labels"]["severity"] in ("critical", "warning")


@pytest.mark.parametrize("rule", alerts().values(), ids=alerts().keys())
def test_each_asks_for_metrics_that_there_are(rule: dict[str, Any]) -> None:
    pages = (PROJECT / "docs/metrics.md").read_text(encoding="utf-8")
    names = set(re.findall(r"\bmcp_\w+", rule["expr"]))
    assert {name for name in names if f"`{name}`" not in pages} == set()


def test_prometheus_understands_every_query_of_the_dashboards(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": query} for number, (_, query) in enumerate(queries(server="time"))]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    run = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_prometheus_takes_the_configuration_that_the_documentation_shows(tmp_path: Path) -> None:
    page = (PROJECT / "docs/metrics.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "prometheus.yml"
    file.write_text(shown.replace("<balancer>", "mcp.example.com"))
    run = subprocess.run(
        ["promtool", "check", "config", "--syntax-only", file], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
