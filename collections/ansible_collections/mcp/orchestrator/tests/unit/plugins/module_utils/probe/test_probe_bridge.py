# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a bridge says of its sessions is asked on the host, and is no reason for a server to fail."""

from __future__ import annotations

import socket
import threading

from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.bridge import _ask


def test_an_answer_that_is_no_http_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _address = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"hello\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert _ask(f"http://127.0.0.1:{listener.getsockname()[1]}/health", 5) is None
        thread.join()
