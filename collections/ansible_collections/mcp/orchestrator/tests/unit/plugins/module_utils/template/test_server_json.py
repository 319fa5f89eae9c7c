# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's server.json becomes a template that the config's reader takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.entry import Context, LocalServer, read_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import TemplateRegistry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.conversion import Conversion, convert

NPM = {"registryType": "npm", "identifier": "@acme/weather", "version": "1.2.0", "transport": {"type": "stdio"}}
PYPI = {"registryType": "pypi", "identifier": "acme-weather", "version": "1.2.0", "transport": {"type": "stdio"}}
OCI = {"registryType": "oci", "identifier": "ghcr.io/acme/weather:1.2.0", "transport": {"type": "stdio"}}


def document(*packages: Any, **more: Any) -> dict[str, Any]:
    return {
        "name": "io.github.acme/weather",
        "description": "Weather.",
        "version": "1.2.0",
        "packages": [*packages],
        **more,
    }


def made(*packages: Any, **more: Any) -> dict[str, Any]:
    """The version of the template, which there has to be."""
    found = convert(document(*packages, **more))
    assert not found.errors
    assert found.template is not None
    version: dict[str, Any] = found.template["versions"]["1"]
    return version


def notes(*packages: Any, **more: Any) -> dict[str, str]:
    return {each.key: each.text for each in convert(document(*packages, **more)).notes}


def errors(found: Conversion) -> list[str]:
    assert found.template is None
    return [str(each) for each in found.errors]


def started(version: dict[str, Any], env: dict[str, str] | None = None) -> LocalServer:
    """What the config's reader makes of an entry of the template."""
    findings = Findings("", "", "x")
    registry = TemplateRegistry(None, {"weather": {"versions": {"1": version}}})
    entry = {"template": "weather@1", "env": env or {}}
    read = read_entry("x", entry, Context(Permissions(), registry, environment={}), findings)
    assert not findings.errors, [str(each) for each in findings.errors]
    assert isinstance(read, LocalServer)
    return read


def test_packages_of_npm_and_pypi_are_run_in_the_version_that_is_named() -> None:
    assert made(NPM) == {"command": "npx", "args": ["-y", "@acme/weather@1.2.0"]}
    assert made(PYPI) == {"command": "uvx", "args": ["acme-weather@1.2.0"]}
    assert started(made(PYPI)).parsed.recipe.version == "==1.2.0"  # type: ignore[union-attr]


def test_an_image_is_run_with_its_tag() -> None:
    assert made(OCI) == {"image": "ghcr.io/acme/weather:1.2.0"}
    older = {**OCI, "identifier": "acme/weather", "version": "1.2.0", "registryBaseUrl": "https://docker.io"}
    assert made(older) == {"image": "acme/weather:1.2.0"}
    assert made({**older, "registryBaseUrl": "https://ghcr.io"}) == {"image": "ghcr.io/acme/weather:1.2.0"}
    digest = f"acme/weather@sha256:{'0' * 64}"
    assert made({**older, "identifier": digest}) == {"image": digest}


def test_a_template_is_named_as_the_server_and_described_by_it() -> None:
    found = convert(document(NPM, name="com.Acme/My Weather_2"))
    assert found.name == "my-weather_2"
    assert found.template is not None
    assert found.template["description"] == "Weather."


def test_a_registrys_answer_has_the_server_in_it() -> None:
    assert convert({"server": document(NPM), "_meta": {}}).template == convert(document(NPM)).template


def test_keys_may_have_the_underscores_of_2025() -> None:
    old = {
        "registry_type": "npm",
        "identifier": "@acme/weather",
        "version": "1.2.0",
        "environment_variables": [{"name": "KEY", "is_required": True, "is_secret": True, "description": "k"}],
    }
    assert made(old)["required_env"] == {"KEY": "k; a secret"}


@pytest.mark.parametrize(
    ("variable", "env", "required"),
    [
        ({"value": "fixed"}, {"V": "fixed"}, {}),
        ({"default": "info"}, {"V": "info"}, {}),
        ({"default": True}, {"V": "true"}, {}),
        ({"isRequired": True, "description": "a key", "isSecret": True}, {}, {"V": "a key; a secret"}),
        ({"isRequired": True, "choices": ["a", "b"]}, {}, {"V": "not described; one of a, b"}),
        (
            {"isRequired": True, "placeholder": "abc", "format": "number"},
            {},
            {"V": "not described; such as abc; a number"},
        ),
        ({"isRequired": True, "default": "x"}, {"V": "x"}, {}),
        ({"value": "{a}-{b}", "variables": {"a": {"value": "1"}}}, {"V": "1-{b}"}, {}),
        ({"value": "{a}", "variables": {"a": {"default": "1"}}}, {"V": "1"}, {}),
        (
            {"value": "Bearer {t}", "variables": {"t": {"isRequired": True, "description": "it"}}},
            {},
            {"V": "not described, as Bearer {t}, where {t} is it"},
        ),
        ({"description": "perhaps"}, {}, {}),
    ],
)
def test_a_variable_has_its_value_or_is_asked_for(variable: Any, env: Any, required: Any) -> None:
    version = made({**NPM, "environmentVariables": [{"name": "V", **variable}]})
    assert (version.get("env", {}), version.get("required_env", {})) == (env, required)


def test_a_variable_that_nobody_has_to_give_is_named() -> None:
    found = notes({**NPM, "environmentVariables": [{"name": "V", "description": "perhaps"}]})
    assert found["packages[0].environmentVariables[0]"] == "V is left to the entry's env, which may have it: perhaps"


def test_arguments_are_fixed_offered_or_asked_for() -> None:
    arguments = [
        {"type": "positional", "value": "serve"},
        {"type": "named", "name": "--units", "default": "metric"},
        {"type": "positional", "valueHint": "city", "isRequired": True, "description": "which"},
        {"type": "named", "name": "--verbose"},
    ]
    version = made({**PYPI, "packageArguments": arguments})
    assert version["args"][1:] == ["serve", "--units", "${ARG_UNITS:-metric}", "${ARG_CITY}", "--verbose"]
    assert version["required_env"] == {"ARG_CITY": "which"}
    assert started(version, {"ARG_CITY": "Rome"}).parsed.command == ("serve", "--units", "metric", "Rome", "--verbose")
    changed = started(version, {"ARG_CITY": "Rome", "ARG_UNITS": "imperial"})
    assert changed.parsed.command == ("serve", "--units", "imperial", "Rome", "--verbose")


def test_a_secret_argument_is_kept_secret() -> None:
    key = {"type": "named", "name": "--key", "isRequired": True, "isSecret": True}
    version = made({**NPM, "packageArguments": [key]})
    assert version["orchestrator"] == {"secret_args": True}
    read = started(version, {"ARG_KEY": "canary"})
    assert "canary" not in str(read.parsed.command)
    assert read.bridge["secret_args"] == 2


def test_what_is_left_out_of_the_arguments_is_named_with_the_way_out() -> None:
    arguments = [
        {"type": "named", "name": "--region", "placeholder": "eu"},
        {"type": "positional", "value": "x", "isRepeated": True},
        {"type": "positional", "valueHint": "p", "default": "/x", "format": "filepath", "choices": ["/x"]},
    ]
    found = notes({**NPM, "packageArguments": arguments})
    key = "packages[0].packageArguments"
    assert found[f"{key}[0]"].startswith("'--region <region>' is left out; an entry's args add it")
    assert "orchestrator.volumes" in found[f"{key}[2].format"]
    assert {f"{key}[1].isRepeated", f"{key}[2].choices"} <= set(found)


def test_every_key_that_has_no_place_is_named() -> None:
    package = {**NPM, "fileSha256": "00", "runtimeHint": "bunx", "colour": 1, "postInstallInstructions": [{}]}
    remotes = [{"type": "streamable-http", "url": "https://acme.example/mcp"}]
    found = notes(package, PYPI, {"registryType": "nuget", "identifier": "x"}, remotes=remotes, mood="good")
    assert set(found) == {
        "mood",
        "remotes[0]",
        "packages[1]",
        "packages[2].registryType",
        *(f"packages[0].{key}" for key in ("colour", "fileSha256", "runtimeHint", "postInstallInstructions")),
    }
    assert found["remotes[0]"].endswith('{"url": "https://acme.example/mcp"}')
    assert "PACKAGE=1" in found["packages[1]"]


def test_another_package_is_taken_where_it_is_chosen() -> None:
    found = convert(document(NPM, OCI), package=1)
    assert found.template is not None
    assert found.template["versions"]["1"] == {"image": "ghcr.io/acme/weather:1.2.0"}
    assert errors(convert(document(NPM), package=1)) == ["packages: has no packages[1]; there are 1"]


def test_options_of_docker_run_stand_before_the_image() -> None:
    options = [
        {"type": "named", "name": "-v", "value": "weather-data:/data"},
        {"type": "named", "name": "--read-only", "value": "true", "format": "boolean"},
        {
            "type": "named",
            "name": "-e",
            "value": "TOKEN={t}",
            "variables": {"t": {"isRequired": True, "description": "it"}},
        },
    ]
    version = made({**OCI, "runtimeArguments": options})
    assert version["args"] == [
        *("run", "-i", "--rm", "-v", "weather-data:/data", "--read-only", "-e", "TOKEN", "ghcr.io/acme/weather:1.2.0")
    ]
    assert started(version, {"TOKEN": "x"}).parsed.volumes == ["weather-data:/data"]


def test_a_whole_command_line_of_docker_becomes_an_image() -> None:
    words = [
        {"type": "positional", "value": "run"},
        {"type": "named", "name": "-i", "value": "true", "format": "boolean"},
        {"type": "named", "name": "--rm"},
        {"type": "named", "name": "-e", "value": "TOKEN", "description": "it"},
        {"type": "positional", "valueHint": "image", "value": "ghcr.io/acme/weather"},
    ]
    assert made({**OCI, "runtimeArguments": words}) == {
        "image": "ghcr.io/acme/weather:1.2.0",
        "required_env": {"TOKEN": "it"},
    }


def test_a_server_that_speaks_http_says_where() -> None:
    port = {"name": "PORT", "default": "8080"}
    transport = {"type": "streamable-http", "url": "http://localhost:{PORT}/api/mcp"}
    version = made({**OCI, "environmentVariables": [port], "transport": transport})
    assert version["orchestrator"] == {"transport": "http", "port": 8080, "path": "/api/mcp"}
    assert started(version).reach.port == 8080
    found = notes({**OCI, "transport": {"type": "sse", "url": "{base}/sse", "headers": [{"name": "X-Key"}]}})
    assert "an entry has to say orchestrator.port" in found["packages[0].transport.url"]
    assert found["packages[0].transport.headers[0]"] == "clients send X-Key themselves"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (document(), "packages: is missing: there is nothing to run in a container"),
        (document({"registryType": "mcpb", "identifier": "https://x/y.mcpb"}), "make template FILE=bundle.mcpb"),
        (document({"registryType": "cargo", "identifier": "x"}), "build an image of it"),
        (document({"identifier": "x"}), "packages[0].registryType: is missing: it says where the package is from"),
        (document({"registryType": "npm"}), "packages[0]: needs registryType and identifier"),
        (document({**NPM, "version": 1}), "packages[0].version: must be a string; put it in double quotes"),
        (document({**NPM, "environmentVariables": [{"name": "A=B"}]}), "environmentVariables[0].name: 'A=B' is not"),
        (document({**NPM, "environmentVariables": {}}), "packages[0].environmentVariables: must be a list"),
        (document({**NPM, "registryBaseUrl": "https://npm.acme.example"}), "mcp_image_bases"),
        (document({**NPM, "packageArguments": [{"type": "named"}]}), "packageArguments[0].name: is missing"),
        (
            document({**NPM, "environmentVariables": [{"name": "V", "default": "c", "choices": ["a"]}]}),
            "environmentVariables[0].default: 'c' is none of choices: a",
        ),
        (document({**NPM, "runtimeArguments": [{"type": "named", "name": "--no-install"}]}), "args[1]: '--no-install'"),
        (document({**OCI, "runtimeArguments": [{"type": "named", "name": "--privileged"}]}), "'--privileged'"),
        (document(NPM, name="io.github.acme/---"), "name: is missing, or has no letter"),
        ([], "is neither a server.json nor the manifest of a bundle"),
        ("x", "is neither"),
    ],
)
def test_what_cannot_be_made_into_a_template_is_told(value: Any, said: str) -> None:
    assert any(said in each for each in errors(convert(value))), errors(convert(value))


@pytest.mark.parametrize("secret", ["${file:/etc/shadow}", "x-${ssm:/prod/db}", "${HOME}"])
@pytest.mark.parametrize("place", ["value", "default"])
def test_a_published_file_does_not_get_values_of_the_host(secret: str, place: str) -> None:
    for package in (
        {**NPM, "environmentVariables": [{"name": "V", place: secret}]},
        {**NPM, "packageArguments": [{"type": "named", "name": "--x", place: secret}]},
        {**OCI, "identifier": secret},
    ):
        said = errors(convert(document(package)))
        assert any("stands for a value of the host" in each for each in said), said


def test_the_template_is_plain_json() -> None:
    found = convert(document({**NPM, "environmentVariables": [{"name": "V", "default": 1.5}]}))
    assert json.loads(json.dumps(found.template)) == found.template
