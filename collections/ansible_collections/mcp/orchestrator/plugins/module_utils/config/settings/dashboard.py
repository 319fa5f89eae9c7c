# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[dashboard]: the monitor's page, its password and its route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.password import weakness
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.origin import origin
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import Reader, setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import (
    matching,
    number,
    one_of,
    secret,
    several,
)


def _path(text: str) -> str:
    path = text.rstrip("/")
    if not re.fullmatch(r"/[A-Za-z0-9/_.-]+", path) or len(path) > 64:
        raise ValueError("is not a path; write for example /monitor")
    if (path + "/").startswith("/mcp/"):
        raise ValueError("is where the servers are; write for example /monitor")
    return path


@dataclass(frozen=True)
class Dashboard:
    """Who may use the monitor, and where it is. An empty password is replaced by a generated one when it is installed.

    ``priority`` is that of its rule, 0 for any; ``auth`` whether the load balancer asks who it is before the monitor.
    """

    username: str = setting(
        "admin",
        matching(r"[A-Za-z0-9_.@-]{1,64}", "a user name; use letters, digits and _.@-"),
        "Who may see the monitor, and act on its pages. Others are added by make user.",
    )
    password: Secret = setting(  # noqa: RUF009 - no instance changes it
        Secret(""),
        secret,
        "The password for that. It has at least 12 characters, and is neither the user name nor one that"
        " is guessed first.",
        empty="one is generated into /etc/mcp-orchestrator/monitor.password",
    )
    path: str = setting("/monitor", Reader(_path, "a path"), "Where the monitor is.")
    priority: int = setting(
        0, number(1, 50000), "The priority of its rule at the load balancer.", empty="one is chosen, as for the servers"
    )
    auth: str = setting(
        "none",
        one_of("none", "oidc"),
        "Whether the load balancer requires a login at the provider of [oidc].",
    )
    api_origins: tuple[str, ...] = setting(
        (),
        several(Reader(origin, "an origin")),
        "Exact origins, such as https://ops.example.com, whose scripts may call the monitor's API with a"
        " token. A change needs setup.sh.",
        empty="none",
    )

    registry: str = setting(
        "login",
        one_of("login", "public"),
        "Who may read the list of servers that the monitor serves as an MCP registry does: whoever may call its API,"
        " or everybody who reaches the load balancer, which Copilot and VS Code need, since they show no token. A"
        " change needs setup.sh.",
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yields the keys that cannot hold together with others, each with the reason and the way out."""
        password = self.password.reveal()
        if password and (reason := weakness(password, self.username)):
            yield "password", f"{reason}; leave it empty to have one generated, or write a longer one"
