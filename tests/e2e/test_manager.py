"""The MCP tools as the units serve them: the monitor, the manager at its socket, and clients of the official SDK."""

from __future__ import annotations

import asyncio
import getpass
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from manager.tools import TOOLS
from manager.tools.logs import MOST_LINES
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from monitor.access.tokens import FILE, Token, digest_of, write_tokens
from monitor.api.wsgi import LARGEST_BODY

from tests.e2e.support.assistant import ERAS, Assistant, text_of
from tests.e2e.support.ports import free_port, listens
from tests.e2e.support.waiting import until
from tests.unit.monitor import samples
from tests.unit.monitor.access.accounts import write_accounts
from tests.unit.records.kept import keep, line

FILES = Path(__file__).parents[2] / "files"
TOKEN = "mcpt_view"
PAGE = "https://ops.example.com"
CLIENT = "127.0.0.5"
"""From where a request of a test comes."""
HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
}
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})


@dataclass
class Served:
    """A monitor with tools, and the folder of its files."""

    folder: Path
    port: int
    manager: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/monitor"

    def ask(self, method: str = "POST", body: str = PING, **headers: str | None) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and body of the answer to a request; a header of None is left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(CLIENT, 0))
        asked = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, "/monitor/mcp", body, {k: v for k, v in asked.items() if v is not None})
        answer = connection.getresponse()
        told = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return told

    def refused(self) -> list[Any]:
        """What the audit list says was refused."""
        return [json.loads(text) for text in (self.folder / "monitor/refused.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "monitor").mkdir()
    (folder / "state.json").write_text(json.dumps(samples.three_servers()))
    keep(folder / "logs", "time", b"".join(line(number, f"line {number}") for number in range(3)))
    users = write_accounts(folder / "users.json", admin=("sesame", "admin"))
    token = Token("assistant", "view", digest_of(TOKEN), datetime(2026, 1, 1, tzinfo=UTC), None)
    write_tokens(folder / FILE, {"assistant": token}, os.getgid())
    port, socket = free_port(), folder / "manager.sock"
    api = f"http://127.0.0.1:{port}/monitor/api/v1"
    tools = [sys.executable, "-m", "manager", "--socket", str(socket), "--api", api]
    pages = [
        *(sys.executable, "-m", "monitor", "--state", folder / "state.json", "--directory", folder, "--users", users),
        *("--bind", f"127.0.0.1:{port}", "--manager", socket, "--manager-user", getpass.getuser()),
        *("--api-origin", PAGE),
    ]
    with (
        subprocess.Popen(tools, cwd=FILES) as manager,
        subprocess.Popen([str(word) for word in pages], cwd=FILES) as monitor,
    ):
        try:
            until(lambda: listens(port) and socket.exists(), "both serve")
            yield Served(folder, port, manager)
        finally:
            monitor.terminate()
            manager.terminate()


@pytest.mark.parametrize("era", ERAS)
def test_clients_of_both_eras_find_the_tools_and_call_them(served: Served, era: str) -> None:
    assistant = Assistant(f"{served.url}/mcp", TOKEN, era)
    assert list(assistant.tools()) == [each.name for each in TOOLS]
    found = assistant.do("docker_list_servers")
    assert found["total"] == len(found["servers"]) > 0
    assert [each["text"] for each in assistant.do("docker_get_logs", server_name="time", lines=2)["lines"]] == [
        "line 1",
        "line 2",
    ]
    refused = assistant.call("docker_stop_server", server_name="time")
    assert refused.is_error
    assert "needs the scope operate" in text_of(refused)
    assert served.refused()[-1]["user"] == "token assistant"


@pytest.mark.parametrize("era", ERAS)
def test_a_follower_is_told_of_lines_as_they_come_until_there_are_enough(served: Served, era: str) -> None:
    name = f"busy-{era}"
    (log,) = keep(served.folder / "logs", name, line(0, "the first")).iterdir()
    assistant = Assistant(f"{served.url}/mcp", TOKEN, era)

    def write() -> None:
        until(lambda: assistant.told, "what was there is told")
        for first in range(1, MOST_LINES + 1, 100):  # of more at once a follower is told a part
            with log.open("ab") as file:
                file.writelines(line(number, f"line {number}") for number in range(first, first + 100))
            until(lambda told=f"line {first + 99}": assistant.told[-1][1].endswith(told), "these lines are told")

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        answer = assistant.do("docker_get_logs", server_name=name, lines=2, follow=True)
        writing.result()
    assert assistant.told[0][1].endswith("the first")
    assert assistant.told[-1][1].endswith(f"line {MOST_LINES}")
    assert [each["text"] for each in answer["lines"]] == [f"line {MOST_LINES - 1}", f"line {MOST_LINES}"]


def test_the_api_learns_for_whom_a_tool_calls_it(served: Served) -> None:
    arguments = {"name": "docker_stop_server", "arguments": {"server_name": "time"}}
    assert (
        served.ask(body=json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": arguments}))[0] == 200
    )
    refused = served.refused()[-1]
    assert (refused["user"], refused["client"]) == ("token assistant", CLIENT)
    assert refused["text"].startswith("POST /api/v1/servers/time/stop")


def test_a_local_client_has_the_tools_over_stdio(served: Served) -> None:
    async def ask() -> Any:
        environment = {"PYTHONPATH": str(FILES), "MCP_ORCHESTRATOR_TOKEN": TOKEN}
        arguments = ["-m", "manager", "--stdio", "--api", f"{served.url}/api/v1"]
        async with Client(
            stdio_client(StdioServerParameters(command=sys.executable, args=arguments, env=environment))
        ) as client:
            return await client.call_tool("docker_list_servers", {})

    assert asyncio.run(ask()).structured_content["servers"]


def test_without_a_token_nobody_gets_to_the_tools(served: Served) -> None:
    for authorization in (None, "Bearer mcpt_another"):
        status, headers, body = served.ask(Authorization=authorization)
        assert status == 401
        assert headers["www-authenticate"].startswith("Bearer ")
        assert json.loads(body)["title"] == "Nobody is signed in"


def test_a_page_calls_the_tools_only_where_the_settings_name_its_origin(served: Served) -> None:
    assert served.ask(Origin="https://evil.example.com")[0] == 403
    status, headers, _ = served.ask(Origin=PAGE)
    assert (status, headers["access-control-allow-origin"]) == (200, PAGE)


def test_what_is_no_message_is_refused_before_it_reaches_the_tools(served: Served) -> None:
    status, headers, _ = served.ask("GET")
    assert (status, headers["allow"]) == (405, "POST")
    assert served.ask("DELETE")[0] == 405
    assert served.ask(body="x" * (LARGEST_BODY + 1))[0] == 413


def test_without_the_manager_the_pages_and_the_api_go_on(served: Served) -> None:
    served.manager.terminate()
    served.manager.wait(60)
    status, headers, body = served.ask()
    assert (status, headers["retry-after"]) == (503, "10")
    assert "mcp-manager" in json.loads(body)["detail"]
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("GET", "/monitor/api/v1/servers", headers=HEADERS)
    assert connection.getresponse().status == 200
    connection.close()
