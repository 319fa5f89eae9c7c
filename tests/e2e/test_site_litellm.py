"""A real LiteLLM in front of the fleet, with the file that runs write for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import Scripted, session_server
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.support.litellm import KEY, running
from tests.e2e.support.ports import free_port
from tests.e2e.support.sample import SAMPLE
from tests.e2e.support.site import SETTINGS, Run, Site

TIME = {**SAMPLE["time"], "description": "Tells the time", "orchestrator": {"isolation": "pooled"}}
TAKES = {
    "command": "docker",
    "args": ["run", "--rm", "-i", "-e", "TOKEN", "-e", "TICKET", "--memory", "768m", "mcp-sample/everything:1"],
    "env": {"TOKEN": "${header:Authorization}", "TICKET": "${header:X-Ticket}"},
}
TOKENS = {"x-mcp-takes_it-authorization": "Bearer for-one", "X-Ticket": "of-the-caller"}


class LiteLlm:
    """The file that LiteLLM's config includes, and what the command of the settings has noted."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.file = folder / "mcp_servers.yaml"

    @property
    def reloads(self) -> int:
        noted = self.folder / "reloads"
        return noted.read_text().count("\n") if noted.exists() else 0

    def servers(self) -> dict[str, Any]:
        return yaml.safe_load(self.file.read_text())["mcp_servers"]

    def client(self, use: Callable[[Client], Any], **headers: str) -> Any:
        """What ``use`` gives with a client of the proxy."""

        async def used() -> Any:
            sent = {"x-litellm-api-key": f"Bearer {KEY}", **headers}
            asking = httpx2.AsyncClient(headers=sent, timeout=60)
            transport = streamable_http_client(f"http://127.0.0.1:{self.port}/mcp/", http_client=asking)
            async with Client(transport, mode="legacy") as client:
                return await use(client)

        return asyncio.run(used())

    def tools(self) -> set[str]:
        """The servers whose tools the proxy lists."""

        async def listed(client: Client) -> set[str]:
            return {tool.name.partition("-")[0] for tool in (await client.list_tools()).tools}

        return self.client(listed)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Scripted]:
    """A remote server of the config, which remembers what it gets."""
    server = Scripted(session_server())
    yield server
    server.close()


@pytest.fixture(scope="module")
def fleet(site: Site, elsewhere: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiteLlm, Run]]:
    """LiteLLM's file after a run with servers of each kind, and that run."""
    litellm = LiteLlm(tmp_path_factory.mktemp("litellm"), free_port())
    (litellm.folder / "reload").write_text(f"#!/bin/sh\necho >>{litellm.folder}/reloads\n")
    (litellm.folder / "reload").chmod(0o755)
    (site.etc / "settings.conf").write_text(
        f"{SETTINGS}\n[litellm]\nconfig = {litellm.file}\nreload = {litellm.folder}/reload\n"
    )
    site.write_config(
        {
            "my-time": TIME,
            "takes.it": TAKES,
            "elsewhere": {"url": elsewhere.url},
        }
    )
    run = site.reconcile()
    assert run.code == 0, run.output
    yield litellm, run
    (site.etc / "settings.conf").write_text(SETTINGS)
    site.write_config(SAMPLE)


@pytest.fixture(scope="module")
def proxy(fleet: tuple[LiteLlm, Run]) -> Iterator[LiteLlm]:
    """A proxy that was started with the file."""
    litellm, _run = fleet
    with running(litellm.file, litellm.port, litellm.folder):
        yield litellm


def test_the_file_has_every_server_and_the_command_was_run_once(site: Site, fleet: tuple[LiteLlm, Run]) -> None:
    litellm, run = fleet
    found = litellm.servers()
    assert {name: each["url"] for name, each in found.items() if name != "elsewhere"} == {
        "my_time": f"{site.url}/mcp/my-time/mcp",
        "takes_it": f"{site.url}/mcp/takes.it/mcp",
    }
    assert found["takes_it"]["extra_headers"] == ["Authorization", "X-Ticket"]
    assert litellm.reloads == 1
    assert "takes.it starts" not in run.output  # it needs a process for each session
    again = site.reconcile()
    assert (again.code, again.changed, litellm.reloads) == (0, 0, 1), again.output


def test_litellm_lists_and_calls_with_progress(proxy: LiteLlm) -> None:
    assert proxy.tools() >= {"my_time", "takes_it"}
    heard: list[float] = []

    async def progress(done: float, _total: float | None, _message: str | None) -> None:
        heard.append(done)

    async def calls(client: Client) -> list[Any]:
        time = await client.call_tool("my_time-get_current_time", {"timezone": "UTC"})
        long = await client.call_tool(
            "takes_it-trigger-long-running-operation", {"duration": 1, "steps": 4}, progress_callback=progress
        )
        return [time.is_error, long.is_error]

    assert proxy.client(calls) == [False, False]
    assert heard == sorted(heard)
    assert len(heard) >= 3


def test_a_token_goes_to_the_server_that_takes_it_and_to_no_other(proxy: LiteLlm, elsewhere: Scripted) -> None:
    async def environment(client: Client) -> dict[str, str]:
        await client.list_tools()  # LiteLLM asks every server, the remote one too
        found = await client.call_tool("takes_it-get-env", {})
        return json.loads(found.content[0].text)

    elsewhere.requests.clear()
    found = proxy.client(environment, **TOKENS)
    assert (found["TOKEN"], found["TICKET"]) == ("Bearer for-one", "of-the-caller")
    assert elsewhere.requests
    sent = json.dumps([request.headers for request in elsewhere.requests])
    assert not [token for token in (*TOKENS.values(), KEY) if token in sent]


def test_servers_come_and_go_and_the_others_keep_their_ids(site: Site, fleet: tuple[LiteLlm, Run]) -> None:
    litellm, _run = fleet
    before, reloads = litellm.servers(), litellm.reloads
    servers = {"clock": TIME, "second": TIME | {"description": "Another"}}
    site.write_config(servers)
    shown = site.reconcile("--check", "--diff")
    assert f"-my_time: http {site.url}/mcp/my-time/mcp" in shown.output
    assert f"+clock: http {site.url}/mcp/clock/mcp" in shown.output
    assert (litellm.servers(), litellm.reloads) == (before, reloads)
    site.write_config({**servers, "takes-it": TIME, "takes_it": TIME})
    run = site.reconcile()
    assert run.code != 0
    assert "LiteLLM cannot tell it from mcpServers.takes_it" in run.output
    assert {each["server"] for each in site.state()["errors"]} == {"takes-it", "takes_it"}
    found = litellm.servers()
    assert set(found) == {"clock", "second"}
    assert found["clock"]["server_id"] == before["my_time"]["server_id"]
    assert litellm.reloads == reloads + 1
    with running(litellm.file, free_port(), litellm.folder) as ask:
        ids = {each["server_id"] for each in json.loads(ask("/v1/mcp/server", authorization=f"Bearer {KEY}"))}
    assert ids == {each["server_id"] for each in found.values()}
