"""A real LiteLLM with 99 servers, each behind a rule of the local ALB, in a config that has a server of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.module import run

from tests.e2e.support.litellm import KEY, running
from tests.e2e.support.local_alb import LocalAlb
from tests.e2e.support.local_alb import running as balancing
from tests.e2e.support.ports import free_port
from tests.unit.bridge.client import start

NAMES = [f"server-{number}" for number in range(99)]
THEIRS = """# mine
mcp_servers:
  theirs:  # behind nothing
    url: URL
    transport: http
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAlb]:
    """A balancer with a rule for each server; three bridges stand for them all."""
    with ExitStack() as stack:
        host = stack.enter_context(balancing(LocalAlb(tmp_path_factory.mktemp("alb"))))
        bridges = [start("--isolation", "pooled", path="/mcp/any") for _each in range(3)]
        groups = []
        for number, bridge in enumerate(bridges):
            stack.callback(bridge.stop)
            bridge.wait_healthy()
            groups.append(host.group(f"mcp-{number}", bridge.port))
        for number, name in enumerate(NAMES):
            path = f"/mcp/{name}"
            rewrites = [{"Regex": f"^{path}/?(.*)$", "Replace": "/mcp/any/$1"}]
            transforms = [{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": rewrites}}]
            host.rule(number + 1, [path, f"{path}/*"], groups[number % 3], Transforms=transforms)
        host.healthy(*groups)
        yield host


def written(host: LocalAlb, folder: Path, names: list[str]) -> Path:
    """LiteLLM's config once it was told of the servers."""
    file = folder / "mcp.yaml"
    if not file.exists():
        file.write_text(THEIRS.replace("URL", f"{host.url}/mcp/server-0/mcp"))
    (folder / "settings.conf").write_text(f"[litellm]\nconfig = {file}\n")
    servers = [{"name": name, "image": "i", "path": f"/mcp/{name}", "isolation": "pooled"} for name in names]
    config: dict[str, Any] = {
        "servers": servers, "clients": {}, "remotes": [], "errors": [], "entries": {},
        "settings": {"routes": {"auth": "none"}},
    }  # fmt: skip
    arguments = {
        "settings": str(folder / "settings.conf"), "config": config, "memory": str(folder / "memory.json"),
        "public_url": host.url, "state": "present",
    }  # fmt: skip
    begun = time.process_time()
    assert result_of(run, arguments, False)["changed"] is True
    assert result_of(run, arguments, False)["changed"] is False
    print(f"told twice of {len(names)} servers in {time.process_time() - begun:.2f} s of the processor")
    return file


def test_every_one_of_99_servers_is_listed_and_called_beside_one_of_somebody_else_s(
    host: LocalAlb, tmp_path: Path
) -> None:
    file = written(host, tmp_path, NAMES)
    assert file.read_text().startswith("# mine\n")
    assert "theirs:  # behind nothing" in file.read_text()
    with running(file, free_port(), tmp_path) as ask:

        def mcp(method: str, params: dict[str, Any]) -> Any:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            said = ask("/mcp/", body, x_litellm_api_key=f"Bearer {KEY}")
            return next(json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: "))["result"]

        begun = time.monotonic()
        listed = {tool["name"] for tool in mcp("tools/list", {})["tools"]}
        print(f"listed in {time.monotonic() - begun:.1f} s")
        known = [*(name.replace("-", "_") for name in NAMES), "theirs"]
        assert listed == {f"{name}-{tool}" for name in known for tool in ("echo", "whoami")}
        for name in known:
            found = mcp("tools/call", {"name": f"{name}-echo", "arguments": {"text": name}})
            assert found["content"][0]["text"] == name
        ids = {each["server_id"] for each in json.loads(ask("/v1/mcp/server", authorization=f"Bearer {KEY}"))}
    before = {name: told["server_id"] for name, told in servers_in(file).items() if name != "theirs"}
    assert set(before.values()) <= ids
    after = servers_in(written(host, tmp_path, NAMES[1:]))
    assert {name: after[name]["server_id"] for name in after if name != "theirs"} == {
        name: each for name, each in before.items() if name != "server_0"
    }


def servers_in(file: Path) -> dict[str, Any]:
    """The entries of LiteLLM's config by name."""
    return dict(yaml.safe_load(file.read_text())["mcp_servers"])
