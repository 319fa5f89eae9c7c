"""The files that the config's reading publishes: schema, samples, templates."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.schema import schema_text
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import TemplateRegistry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.template import read_template

PROJECT = Path(__file__).parents[3]
FILES = PROJECT / "files"
CORPUS = PROJECT / "collections/ansible_collections/mcp/orchestrator/tests/unit/plugins/module_utils/config/corpus"
KEY = b"k" * 32


def expected(config: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(config.with_suffix(".expected.json").read_text())
    return found


CONFIGS = [path for path in sorted(CORPUS.glob("*.json")) if not path.name.endswith(".expected.json")]
# What is only warned of, an editor may well underline.
NOT_RIGHT = {"errors", "unusable", "warnings"}
RIGHT = [
    path for path in CONFIGS if not NOT_RIGHT & set(expected(path)) and path.stem != "comments-and-trailing-commas"
]


def test_the_published_schema_is_the_one_that_checks() -> None:
    assert (FILES / "mcp.config.schema.json").read_text() == schema_text(), (
        "renew it: PYTHONPATH=collections python -m"
        " ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.schema > files/mcp.config.schema.json"
    )


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize("config", RIGHT, ids=lambda path: str(path.stem))
def test_the_schema_accepts_what_is_right(config: Path) -> None:
    jsonschema.validate(json.loads(config.read_text()), json.loads(schema_text()))


@pytest.mark.parametrize("name", ["extension-wrong", "names", "wrong-types", "not-wrapped", "one-bare-entry"])
def test_the_schema_refuses_what_is_wrong(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads((CORPUS / f"{name}.json").read_text()), json.loads(schema_text()))


def test_the_sample_config_is_right_and_says_nothing_odd() -> None:
    fleet = read_fleet([str(FILES / "mcp.config.json")], str(FILES / "settings.conf"), KEY)
    assert (fleet.errors, fleet.warnings) == ([], [])
    assert {spec.name: spec.enabled for spec in fleet.specs} == {
        "everything": True,
        "orders": True,
        "time": True,
        "time-berlin": False,
    }


def test_the_settings_for_hosts_on_aws_need_only_another_listener() -> None:
    settings = read_settings(str(FILES / "settings.aws.conf"))
    assert settings.aws.is_named
    assert settings.service.publish_address == ""


def test_every_template_becomes_a_server(tmp_path: Path) -> None:
    (tmp_path / "templates").symlink_to(FILES / "templates")
    registry = TemplateRegistry(str(FILES / "templates"))
    names = registry.names()
    assert {"github@1", "time@1", "everything@1"} <= set(names)
    servers = {}
    for name in names:
        template, version = name.split("@")
        required = registry.template(template)["versions"][version].get("required_env", {})
        servers[template] = {"template": name, "env": dict.fromkeys(required, "value")}
    path = tmp_path / "mcp.config.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    fleet = read_fleet([str(path)], None, KEY, Resolver(environment={}))
    assert not fleet.errors
    assert len(fleet.specs) == len(names)


@pytest.mark.parametrize("runtime", ["node", "python"])
def test_the_runtime_templates_are_complete(runtime: str) -> None:
    template = read_template(str(FILES / "templates" / "runtimes"), runtime, "base")
    dockerfile = template.files["Dockerfile"].decode()
    assert "FROM ${BASE}" in dockerfile
    assert "USER 10001:10001" in dockerfile
