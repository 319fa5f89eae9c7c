# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[litellm]: where a LiteLLM proxy learns of the servers."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import line, matching, secret


@dataclass(frozen=True)
class Litellm:
    """One of ``config`` and ``url``, or none."""

    config: str = setting(
        "",
        matching(r"/\S+", "an absolute path; write for example /etc/litellm/mcp_servers.yaml"),
        "The file that has a section mcp_servers with every server, for a LiteLLM that reads it: a file of its own,"
        " which LiteLLM's config names under include, or that config itself, in which everything else stays as it is."
        " docs/litellm.md says more. Another folder needs setup.sh.",
        empty="none",
    )
    reload: str = setting(
        "",
        line,
        "The command that makes LiteLLM read its config again, for example systemctl restart litellm. It is run as"
        " root, without a shell, once after each change of the file.",
        empty="none: LiteLLM is restarted by hand",
    )
    url: str = setting(
        "",
        matching(r"https?://[^\s/?#@]+(/[^\s?#]*)?", "an address that begins with http:// or https://"),
        "The address of a LiteLLM that keeps its servers in a database. They are made, changed and removed there"
        " through its admin API, those of this fleet alone; no restart is needed.",
        empty="none",
    )
    key: Secret = setting(  # noqa: RUF009 - no instance changes it
        Secret(""),
        secret,
        "The key for that: LiteLLM's master key, or that of a proxy admin. It may be a reference such as"
        " ${file:/etc/mcp-orchestrator/litellm.key}.",
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yields what cannot hold together: key and reason."""
        if self.config and self.url:
            yield "url", "cannot stand beside config: LiteLLM would have each server twice; name one of them"
        if bool(self.url) != bool(self.key.reveal()):
            yield "key", "and url need each other; name both or none"
        if self.reload and not self.config:
            yield "reload", "is run when config is written; name config too"
        try:
            if self.reload and not shlex.split(self.reload):
                yield "reload", "is no command"
        except ValueError as error:
            yield "reload", f"is no command: {error}"
        if self.url and urlsplit(self.url).scheme == "http" and urlsplit(self.url).hostname not in _NEAR:
            yield "url", "sends the key over the network as it is; use https, or LiteLLM on this host"


_NEAR = ("127.0.0.1", "::1", "localhost")
