# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A config and its settings, read into the specs of one fleet."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec


@dataclass(frozen=True)
class Fleet:
    """What a config says. A server with an error is in ``errors`` and not in ``specs``."""

    settings: Settings
    specs: list[Spec] = field(default_factory=list)
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    explain: dict[str, list[str]] = field(default_factory=dict)


def read_fleet(config_paths: list[str], settings_path: str | None, key: bytes) -> Fleet:
    """Reads the config files and the settings; ``key`` digests the values of env.

    A wrong entry fails alone, in ``errors``. Raises ConfigFileError when a file or the settings cannot be used at all.
    """
    raise NotImplementedError


def load_env(config_paths: list[str], settings_path: str | None) -> dict[str, dict[str, Secret]]:
    """The values behind the digests of the specs' ``env``, by server and name; servers with errors are left out.

    Raises ConfigFileError as ``read_fleet`` does.
    """
    raise NotImplementedError
