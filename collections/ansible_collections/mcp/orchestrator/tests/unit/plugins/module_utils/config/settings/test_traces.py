# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings, read_settings

CANARY = "canary-5e1d"
HERE = "endpoint = http://127.0.0.1:4318/v1/traces"


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "settings.conf"
    path.write_text(text)
    return read_settings(str(path))


def errors(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        read(tmp_path, text)
    return [str(error).removeprefix("settings.conf: ") for error in caught.value.errors]


def test_nothing_is_sent_unless_somebody_says_where_to(tmp_path: Path) -> None:
    assert read(tmp_path, "").traces.endpoint == ""


def test_headers_are_secrets_with_references(tmp_path: Path) -> None:
    text = f"[traces]\n{HERE}\nheaders = Authorization=Bearer ${{ssm:/otel/{CANARY}}}, X-Scope-OrgID = a=b,\n"
    settings = read(tmp_path, text)
    found = {name: value.reveal() for name, value in settings.traces.header_values().items()}
    assert found == {"Authorization": f"Bearer ${{ssm:/otel/{CANARY}}}", "X-Scope-OrgID": "a=b"}
    assert CANARY not in repr(settings) + repr(settings.to_dict())
    assert settings.to_dict()["traces"] == {"endpoint": "http://127.0.0.1:4318/v1/traces"}


@pytest.mark.parametrize(
    "endpoint",
    [
        "otel:4318",
        "http://otel:4318",
        "ftp://otel/v1/traces",
        "http://otel/v1/traces?key=x",
        "http://otel:many/v1/traces",
    ],
)
def test_what_is_no_address_is_refused(tmp_path: Path, endpoint: str) -> None:
    (error,) = errors(tmp_path, f"[traces]\nendpoint = {endpoint}\n")
    assert error.startswith(f"[traces] endpoint: '{endpoint}' is not an address")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HERE}\nheaders = {CANARY}", "headers: header 1 is not NAME=VALUE"),
        (f"{HERE}\nheaders = a=1, b c={CANARY}", "headers: header 2 is not NAME=VALUE"),
        (f"{HERE}\nheaders = a=1, A={CANARY}", "headers: header A is there twice"),
        (f"{HERE}\nheaders = a=${{nowhere:{CANARY}}}", "headers: header a: "),
        (f"headers = a={CANARY}", "headers: are of no use without endpoint"),
        (
            f"endpoint = http://otel.example:4318/v1/traces\nheaders = a={CANARY}",
            "endpoint: would send the headers for all to read; use https://",
        ),
        (f"endpoint = https://user:{CANARY}@otel.example/v1/traces", "endpoint: has a user in it"),
        (f"{HERE}\n[logging]\ncalls = false", "endpoint: needs calls = true in [logging]"),
        (f"{HERE}\n[service]\nruntime = kubernetes", "endpoint: gets no span of a pod; leave it empty"),
        (f"{HERE}\n[watcher]\nenabled = no", "endpoint: needs calls = true in [logging]"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_no_value_of_a_header_is_shown(tmp_path: Path, text: str, said: str) -> None:
    (error,) = errors(tmp_path, f"[traces]\n{text}\n")
    assert error.startswith(f"[traces] {said}")
    assert CANARY not in error or "nowhere" in text


def test_headers_may_go_to_this_host_and_by_tls_to_others(tmp_path: Path) -> None:
    for endpoint in ("http://[::1]:4318/v1/traces", "http://localhost/v1/traces", "https://otel.example/v1/traces"):
        assert read(tmp_path, f"[traces]\nendpoint = {endpoint}\nheaders = a=b\n").traces.endpoint == endpoint
