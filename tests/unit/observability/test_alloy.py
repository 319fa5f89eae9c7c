"""The configuration for Alloy, as far as it can be read without Alloy: no package registry has it, or its parser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parents[3] / "roles/observability/templates"
_LINE = re.compile(r'(?:[a-z_.]+(?: "\w+")? \{|\}|\w+ += (?:"(?:[^"\\]|\\.)*"|\[.*\]|\{.*\}|[\w.]+)|//.*|\w+ += \{)?')


def rendered(logs_from: str) -> str:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True)  # noqa: S701
    environment.filters["comment"] = lambda text, style: f"// {text}"
    return environment.get_template("config.alloy.j2").render(
        ansible_managed="managed",
        mcp_monitor_user="mcp-monitor",
        observability_logs_from=logs_from,
        observability_monitor="http://127.0.0.1:8482/monitor",
        observability_loki="http://127.0.0.1:3100/loki/api/v1/push",
        __observability_token="/var/lib/token",
    )


@pytest.mark.parametrize("logs_from", ["files", "docker"])
def test_it_is_made_of_blocks_and_of_attributes_with_values(logs_from: str) -> None:
    text = rendered(logs_from)
    assert [line for line in text.splitlines() if not _LINE.fullmatch(line.strip())] == []
    depth = 0
    for line in text.splitlines():
        depth += line.strip().endswith("{") - (line.strip() == "}")
        assert depth >= 0, line
    assert depth == 0


@pytest.mark.parametrize("logs_from", ["files", "docker"])
def test_what_a_component_names_is_there(logs_from: str) -> None:
    text = rendered(logs_from)
    there = {f"{kind}.{label}" for kind, label in re.findall(r'^([a-z_.]+) "(\w+)" \{', text, re.MULTILINE)}
    named = set(re.findall(r"\b((?:discovery|local|loki)\.[a-z_.]*?\w+)\.(?:receiver|targets|output|rules)\b", text))
    assert named <= there
    assert len(named) >= 4


def test_the_labels_are_those_that_are_promised() -> None:
    docker = rendered("docker")
    for label in ("container_name", "mcp_type", "server", "fleet", "host"):
        assert f'"{label}"' in docker
    assert "targets?of=logs" in rendered("files")
