"""settings.conf, its table and the modules' options: each key, default, range and choice as its declaration has it."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
import yaml
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.logging import LEVELS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import (
    SECTIONS,
    Settings,
    read_settings,
)
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_alb_route, mcp_container

from docs.settings import PROJECT, SAMPLE, TABLE, sample, table, written_default

# Which sections an option of the module may share a key with.
MODULES = {mcp_alb_route: ("routes", "service", "aws"), mcp_container: ("service", "security")}
# What routing/exposure.py works out where the setting is empty.
WORKED_OUT = ("publish_address",)
SHARED = [
    (module, section, each.name)
    for module, sections in MODULES.items()
    for section in sections
    for each in fields(SECTIONS[section])
    if each.name in module.ARGUMENT_SPEC and each.name not in WORKED_OUT
]
# The modules ask the engine or AWS where the settings are empty, and know a finer way to say it.
NOT_SET = ("", 0, ())


@pytest.mark.parametrize(("path", "text"), [(SAMPLE, sample()), (TABLE, table())], ids=["settings.conf", "settings.md"])
def test_what_is_published_is_what_is_declared(path: Any, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "run make docs"


def test_the_sample_has_every_key_with_its_default() -> None:
    assert read_settings(str(SAMPLE)) == Settings()
    text = SAMPLE.read_text(encoding="utf-8")
    for section, kind in SECTIONS.items():
        part = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", text, re.DOTALL | re.MULTILINE)
        assert part is not None
        written = dict(re.findall(r"^(\w+) = ?(.*)$", part[1], re.MULTILINE))
        assert written == {each.name: written_default(each) for each in fields(kind)}


@pytest.mark.parametrize("section", SECTIONS)
def test_each_key_says_what_it_means_and_what_an_empty_value_means(section: str) -> None:
    for each in fields(SECTIONS[section]):
        meaning, empty = each.metadata["meaning"], each.metadata["empty"]
        assert re.fullmatch(r"\S.*\.", meaning), each.name
        assert not (empty and written_default(each)), f"{each.name} has a default and a meaning of none"


@pytest.mark.parametrize(
    ("module", "section", "key"),
    SHARED,
    ids=[f"{module.__name__.rpartition('.')[2]}-{key}" for module, _, key in SHARED],
)
def test_an_option_of_a_module_has_the_default_and_the_choices_of_the_setting(
    module: Any, section: str, key: str
) -> None:
    (declared,) = (each for each in fields(SECTIONS[section]) if each.name == key)
    default, choices = getattr(SECTIONS[section](), key), declared.metadata["read"].choices
    documented = yaml.safe_load(module.DOCUMENTATION)["options"][key]
    for told in (module.ARGUMENT_SPEC[key], documented):
        if default not in NOT_SET or "default" in told:
            found = told.get("default", default if default in NOT_SET else None)
            assert (tuple(found) if isinstance(found, list) else found) == default
        assert tuple(told.get("choices", choices)) == choices


def test_the_options_that_settings_share_are_found() -> None:
    assert len(SHARED) > 5
    assert (PROJECT / "Makefile").read_text(encoding="utf-8").count("docs/settings.py") == 1


@pytest.mark.parametrize("role", ["monitor", "local_alb"])
def test_the_services_of_a_host_are_started_with_the_log_level_of_the_settings(role: str) -> None:
    folder = PROJECT / "roles" / role
    command = yaml.safe_load((folder / "vars" / "main.yml").read_text(encoding="utf-8"))[f"__{role}_command"]
    assert command[command.index("--log-level") + 1] == f"{{{{ {role}_log_level }}}}"
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text(encoding="utf-8"))
    assert defaults[f"{role}_log_level"] == "{{ mcp_config.settings.logging.level }}"


@pytest.mark.parametrize("tasks", ["converge", "retire"])
def test_the_bridges_are_given_the_log_level_of_the_settings(tasks: str) -> None:
    text = (PROJECT / "roles" / "fleet" / "tasks" / f"{tasks}.yml").read_text(encoding="utf-8")
    assert 'log_level: "{{ mcp_config.settings.logging.level | lower }}"' in text
    choices = mcp_container.ARGUMENT_SPEC["log_level"]["choices"]
    assert tuple(choice.upper() for choice in choices) == LEVELS
