# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others may have put into the spool: it is never followed, never kept for long, and keeps nobody else waiting."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.request import spool
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.request.request_host import ENTRY, RequestHost


@pytest.fixture
def host(tmp_path: Path) -> RequestHost:
    return RequestHost(tmp_path)


def fifo(host: RequestHost) -> None:
    os.mkfifo(host.var / "requests" / "a.json")


def link(host: RequestHost) -> None:
    (host.var / "requests" / "a.json").symlink_to("/etc/shadow")


def dangling(host: RequestHost) -> None:
    (host.var / "requests" / "a.json").symlink_to("nowhere")


def folder(host: RequestHost) -> None:
    (host.var / "requests" / "a.json").mkdir()
    (host.var / "requests" / "a.json" / "inside").write_text("x")


def hard_link(host: RequestHost) -> None:
    os.link(host.config, host.var / "requests" / "a.json")


def writable(host: RequestHost) -> None:
    host.drop("a", "stop", "time").chmod(0o666)


def huge(host: RequestHost) -> None:
    host.drop_text("a.json", " " * 10**7)


def of_somebody_else(host: RequestHost) -> None:
    os.chown(host.drop("a", "stop", "time"), 12345, -1)


def without_an_id(host: RequestHost) -> None:
    host.drop_text("a b.json", '{"action": "sync"}')


def no_json(host: RequestHost) -> None:
    host.drop_text("passwd", '{"action": "sync"}')


@pytest.mark.parametrize(
    "put", [fifo, link, dangling, folder, hard_link, writable, huge, of_somebody_else, without_an_id, no_json]
)
def test_what_is_no_file_of_ours_is_moved_aside_and_audited(
    host: RequestHost, put: Callable[[RequestHost], None]
) -> None:
    if put is of_somebody_else and os.geteuid() != 0:
        pytest.skip("needs root")
    put(host)
    host.drop("good", "stop", "notes")
    host.run()
    assert not host.left()
    assert host.stopped() == ["notes"]
    assert len(host.audit()) == 2
    assert all(each["who"]["user"] for each in host.audit())
    assert len(host.runs[0]["refused"]) == 1


def test_a_link_to_a_file_is_not_read(host: RequestHost, tmp_path: Path) -> None:
    (tmp_path / "stop.json").write_text('{"action": "stop", "server": "time"}')
    (host.var / "requests" / "a.json").symlink_to(tmp_path / "stop.json")
    host.run()
    assert not host.stopped()
    assert host.result("a")["message"] == "it is a symbolic link, no file"


def test_what_is_refused_is_kept_within_bounds(host: RequestHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "REFUSED_KEPT", 5)
    for number in range(12):
        host.drop_text(f"r{number}.json", "no")
    folder(host)
    host.run()
    assert len(host.refused()) <= 5
    huge(host)
    host.run()
    assert sum(each.stat().st_size for each in (host.var / "refused").rglob("*")) <= spool.REFUSED_BYTES_KEPT


def test_requests_make_no_more_servers_than_the_settings_allow(tmp_path: Path) -> None:
    host = RequestHost(tmp_path, time=ENTRY, notes=ENTRY)
    settings = tmp_path / "settings.conf"
    settings.write_text("[service]\nmax_servers = 3\n")
    host.settings = settings
    host.drop("c1", "create", "third", entry=ENTRY)
    host.run()
    host.drop("c2", "create", "fourth", entry=ENTRY)
    host.run()
    assert host.results() == {"c1": "done", "c2": "refused"}
    assert host.result("c2")["message"] == (
        "there are 3 servers, and requests may make no more than 3 of them; remove one, or raise [service] max_servers"
        " in settings.conf"
    )
