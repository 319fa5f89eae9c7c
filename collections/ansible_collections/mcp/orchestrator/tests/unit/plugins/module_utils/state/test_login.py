# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file by which the monitor tells clients where to log in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.login import login_document
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.step import Step
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import spec

SCHEMA = json.loads((Path(__file__).parents[9] / "files/login.schema.json").read_text())
RUN = {"id": "20261129T070000Z-1234"}


def document(*specs: Any, auth: str = "none", issuer: Any = "https://id.example", **more: Any) -> dict[str, Any]:
    settings = {
        "jwt": {"issuer": issuer, "jwks_endpoint": "https://id.example/jwks", "scope": "mcp offline_access"},
        "routes": {"auth": auth},
        "security": {"allowed_origins": ["https://app.example.com"]},
    }
    config = Step("config", {"servers": list(specs), "errors": more.get("errors", [])})
    made = login_document(RUN, settings, config, more.get("former"))
    jsonschema.Draft202012Validator(SCHEMA).validate(made)
    return made


def test_it_names_the_issuer_and_the_servers_that_ask_for_its_tokens() -> None:
    made = document(spec("time", auth="jwt"), spec("web", auth="oidc"), spec("open"))
    assert made == {
        "version": 1,
        "run": RUN["id"],
        "issuer": "https://id.example",
        "scopes": ["mcp", "offline_access"],
        "servers": ["time"],
        "origins": ["https://app.example.com"],
    }


def test_what_the_settings_say_holds_for_entries_that_say_nothing() -> None:
    assert document(spec("time"), spec("open", auth="none"), auth="jwt")["servers"] == ["time"]


def test_a_disabled_server_is_not_published() -> None:
    assert document(spec("time", auth="jwt", enabled=False))["servers"] == []


def test_an_issuer_that_is_no_place_to_log_in_at_is_not_told() -> None:
    assert document(spec("time", auth="jwt"), issuer="accounts")["issuer"] is None
    assert document(spec("time", auth="jwt"), issuer=None)["issuer"] is None


def test_a_server_whose_entry_has_an_error_goes_on_as_it_was() -> None:
    errors = [{"server": name, "message": "is wrong"} for name in ("time", "web", None)]
    former = document(spec("time", auth="jwt"), spec("gone", auth="jwt"))
    assert document(errors=errors, former=former)["servers"] == ["time"]
    assert document(errors=errors, former=["something else"])["servers"] == []
