# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP+SSE transport of revision 2024-11-05: one stream brings the answers, and tells where messages go."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.channel import BodyTooLarge, Channel
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.event_stream import events


@dataclass
class LegacySseStream:
    """An open stream: ``told`` is the address for messages as the server wrote it, ``posts`` the connection to it."""

    told: str
    posts: Channel
    messages: Iterator[bytes]
    stream: Channel

    def close(self) -> None:
        """Ends both connections, and with them the session."""
        self.posts.close()
        self.stream.close()


def open_legacy_stream(channel: Channel, url: str, headers: Mapping[str, str]) -> LegacySseStream | None:
    """The stream that the server opens to a GET, or None when it does not open one of this transport."""
    stream = channel.to(url)
    # A stream of another kind may keep silent for ever.
    stream.deadline = time.monotonic() + max(0.0, channel.deadline - time.monotonic()) / 2
    with contextlib.suppress(OSError, http.client.HTTPException, BodyTooLarge, ValueError):
        answer = stream.send("GET", headers)
        if answer.status == 200 and answer.media_type == "text/event-stream":
            coming = events(answer.lines())
            event, data = next(coming, (b"", b""))
            told = data.decode("utf-8", "replace").strip()
            # What is sent there may bear tokens: it must be the same server.
            if event == b"endpoint" and told and urlsplit(urljoin(url, told))[:2] == urlsplit(url)[:2]:
                stream.deadline = channel.deadline
                messages = (content for name, content in coming if name == b"message")
                return LegacySseStream(told, channel.to(urljoin(url, told)), messages, stream)
    stream.close()
    return None
