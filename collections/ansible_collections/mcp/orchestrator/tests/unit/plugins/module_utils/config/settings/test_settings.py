# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.aws import Aws
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import readers_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import (
    SECTIONS,
    Settings,
    read_settings,
)


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "settings.conf"
    path.write_text(text)
    return read_settings(str(path))


def errors(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        read(tmp_path, text)
    return [str(error) for error in caught.value.errors]


def test_an_empty_file_and_no_file_and_empty_values_are_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "") == read_settings(None) == Settings()
    assert read(tmp_path, "[service]\nfleet =\n[dashboard]\npassword =\n") == Settings()


def test_the_password_is_not_in_the_plain_data(tmp_path: Path) -> None:
    settings = read(tmp_path, "[dashboard]\npassword = hunter2%s-and-more\n")
    assert settings.dashboard.password.reveal() == "hunter2%s-and-more"
    assert "hunter2" not in repr(settings) + repr(settings.to_dict())


def test_values_are_typed(tmp_path: Path) -> None:
    settings = read(tmp_path, "[service]\nport_range_start = 30000\nport_range_end=30010\n[logging]\nlevel = debug\n")
    assert settings.to_dict()["service"]["port_range_start"] == 30000
    assert settings.logging.level == "DEBUG"


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = "[aws]\nregoin = x\nvpc_id = 7\n[servise]\n[service]\nport_range_start = many\n[dashboard]\npath = /mcp/x\n"
    assert errors(tmp_path, text) == [
        "settings.conf: [aws] regoin: is not a setting; do you mean 'region'?",
        "settings.conf: [servise]: is not a section; do you mean 'service'?",
        "settings.conf: [aws] vpc_id: '7' is not the id of a VPC; it begins with vpc-",
        "settings.conf: [service] port_range_start: 'many' is not a whole number",
        "settings.conf: [dashboard] path: '/mcp/x' is where the servers are; write for example /monitor",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[service]\nport_range_start = 30000\nport_range_end = 20000\n", "'20000' is below port_range_start"),
        ("[service]\nfleet = a\nfleet = b\n", "line 3: 'fleet' is set twice in [service]; keep one"),
        ("[service]\n[service]\n", "line 2: [service] occurs twice"),
        ("fleet = a\n", "line 1: is before any section"),
        ("[dashboard]\nhunter2\n", "line 2: is neither a section nor 'key = value'"),
        ("[service]\npublish_address = localhost\n", "'localhost' is not an IP address"),
        ("[logging]\nlevel = loud\n", "'loud' is not a level; write one of DEBUG"),
        ("[kubernetes]\nversion = 1.19\n", "'1.19' is not a version from 1.20 on; write for example 1.34"),
        ("[kubernetes]\nssm_store = Store/x\n", "'Store/x' is not the name of a store; write NAME"),
        ("[kubernetes]\ningress_strip_path = /x\n", "'/x' is not a path with {path} in front"),
        ("[ingress_annotations]\na/b/c = 1\n", "[ingress_annotations] a/b/c: is not the name of an annotation"),
    ],
)
def test_an_error_tells_what_to_do_and_never_the_line_itself(tmp_path: Path, text: str, message: str) -> None:
    (error,) = errors(tmp_path, text)
    assert message in error
    assert "hunter2" not in error


LISTENER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/a/0123456789abcdef/0123456789abcdef"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-3:123456789012:loadbalancer/app/a/0123456789abcdef"


@pytest.mark.parametrize(
    ("aws", "region"),
    [
        (Aws(), ""),
        (Aws(alb_name="a"), ""),
        (Aws(listener_arn=LISTENER), "eu-central-1"),
        (Aws(alb_arn=BALANCER), "eu-west-3"),
        (Aws(listener_arn=LISTENER, region="eu-west-1"), "eu-west-1"),
    ],
)
def test_aws_is_asked_in_the_region_of_the_load_balancer_unless_another_is_written(aws: Aws, region: str) -> None:
    assert aws.effective_region == region


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_a_section_has_a_reader_and_a_default(section: str) -> None:
    assert list(readers_of(SECTIONS[section])) == list(vars(SECTIONS[section]()))


def test_origins_of_pages_are_a_list_and_each_wrong_one_is_told(tmp_path: Path) -> None:
    settings = read(tmp_path, "[security]\nallowed_origins = https://App.example.com, http://b.example:8080\n")
    assert settings.security.allowed_origins == ("https://app.example.com", "http://b.example:8080")
    assert settings.to_dict()["security"]["allowed_origins"] == ["https://app.example.com", "http://b.example:8080"]
    assert settings.security.allowed() == frozenset()
    (error,) = errors(tmp_path, "[security]\nallowed_origins = *\n")
    assert error.startswith("settings.conf: [security] allowed_origins: '*' would allow every page")


def test_further_names_of_the_local_load_balancer_are_read(tmp_path):
    settings = read(tmp_path, "[security]\nallowed_hosts = MCP.example.com, *.lan 10.0.0.7\n")
    assert settings.security.allowed_hosts == ("mcp.example.com", "*.lan", "10.0.0.7")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*", "'*' would allow every name"),
        ("mcp.example.com:8080", "'mcp.example.com:8080' is not a host name"),
        ("https://mcp.example.com", "'https://mcp.example.com' is not a host name"),
    ],
)
def test_a_name_that_is_none_is_told(tmp_path, text, said):
    (error,) = errors(tmp_path, f"[security]\nallowed_hosts = {text}\n")
    assert error.startswith(f"settings.conf: [security] allowed_hosts: {said}")


def test_tls_to_the_hosts_needs_a_router_on_them(tmp_path):
    assert read(tmp_path, "[routes]\ntopology = node-router\ntarget_tls = true\n").routes.target_tls
    (error,) = errors(tmp_path, "[routes]\ntarget_tls = true\n")
    assert error == (
        "settings.conf: [routes] target_tls: 'true' needs topology = node-router: "
        "the ports of the servers themselves speak plain HTTP"
    )
