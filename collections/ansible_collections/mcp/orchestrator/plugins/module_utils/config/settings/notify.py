# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[notify]: who is told when something fails or recovers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import (
    InvalidReference,
    references_in,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import Reader, setting

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+|\S*\$\{\S+\}\S*")


@dataclass(frozen=True)
class Notify:
    """Who is told. ``urls`` are addresses of services as Apprise writes them, with tokens, separated by spaces."""

    urls: Secret = setting(  # noqa: RUF009 - no instance changes it
        Secret(""),
        Reader(Secret, "addresses of Apprise (https://github.com/caronc/apprise/wiki), separated by spaces"),
        "Who is told, once for each change, when a server fails, is quarantined, stays near a limit or has recovered,"
        " when a run fails and when the config is refused: for example slack://…, mailto://… or json://… for a webhook."
        " An address may be a reference such as ${file:/etc/mcp-orchestrator/notify.urls}, also to several addresses."
        " make notify-test tries them.",
        empty="nobody",
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yields what is no address, by its place: the address itself is a secret."""
        for number, word in enumerate(self.urls.reveal().split(), 1):
            if not _ADDRESS.fullmatch(word):
                yield "urls", f"word {number} is not an address; write for example slack://… or ${{file:/path}}"
                continue
            try:
                list(references_in(word))
            except InvalidReference as error:
                yield "urls", f"word {number}: {error}"
