# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.password import weakness
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import read_settings
from hypothesis import given
from hypothesis import strategies as st

COLLECTIONS = Path(__file__).parents[9]
CHECK = "ansible_collections.mcp.orchestrator.plugins.module_utils.config.check"
WEAK = {
    "changeme": "fewer than 12",
    "hunter2": "fewer than 12",
    "aB3$aB3$aB3": "fewer than 12",
    "changemechangeme": "guessed first",
    "ChangeMe-1234!": "guessed first",
    "p a s s w o r d 2026": "guessed first",
    "admin-password-1": "guessed first",
    "administrator-1": "guessed first",
    "mcp-orchestrator": "guessed first",
    "qwertyuiop-123": "guessed first",
    "operations-07": "user name",
    "07-SNOITAREPO": "user name",
    "aaaaaaaaaaaaaaaa": "fewer than 5 different",
    "abababababababab": "fewer than 5 different",
    "123456789012": "in sequence",
    "abcdefghijklmn": "in sequence",
    "987654321098": "in sequence",
}


@pytest.mark.parametrize(("password", "reason"), WEAK.items())
def test_a_password_that_is_guessed_first_is_refused_with_a_reason_that_does_not_hold_it(
    password: str, reason: str
) -> None:
    found = weakness(password, "operations")
    assert reason in found
    assert password not in found


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "31415926535897932384", "xKj2-9vQ_pLm", "Grünspecht äußert"]
)
def test_a_long_password_of_ones_own_is_taken(password: str) -> None:
    assert weakness(password, "operations") == ""


@given(st.integers(9, 40).map(secrets.token_urlsafe))
def test_what_is_made_up_for_an_empty_setting_is_never_refused(password: str) -> None:
    assert weakness(password, "admin") == ""


@pytest.mark.parametrize("password", WEAK)
def test_the_settings_refuse_it_with_file_key_and_way_out_and_never_show_it(tmp_path: Path, password: str) -> None:
    settings = tmp_path / "settings.conf"
    settings.write_text(f"[dashboard]\nusername = operations\npassword = {password}\n")
    with pytest.raises(ConfigFileError) as caught:
        read_settings(str(settings))
    (error,) = map(str, caught.value.errors)
    assert error.startswith("settings.conf: [dashboard] password: ")
    assert "leave it empty to have one generated" in error
    assert password not in error


def test_the_check_of_a_config_refuses_it_too(tmp_path: Path) -> None:
    settings, config = tmp_path / "settings.conf", tmp_path / "mcp.config.json"
    settings.write_text("[dashboard]\npassword = changeme\n")
    config.write_text('{"mcpServers": {}}')
    checked = subprocess.run(
        [sys.executable, "-m", CHECK, "--settings", str(settings), str(config)],
        cwd=COLLECTIONS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1
    assert "settings.conf: [dashboard] password: has fewer than 12 characters" in checked.stderr
    assert "changeme" not in checked.stdout + checked.stderr
