"""The servers in the database of a real LiteLLM, made and kept by its admin API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.module import run

from tests.e2e.support.litellm import KEY, Ask, running
from tests.e2e.support.ports import free_port
from tests.unit.bridge.client import Bridge, start

TABLES = Path(__file__).parent / "support/litellm_tables.py"


@pytest.fixture(scope="module")
def bridge() -> Iterator[Bridge]:
    found = start("--isolation", "pooled", path="/mcp/my-time")
    found.wait_healthy()
    yield found
    assert found.stop() == 0


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def ask(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks a LiteLLM that has a server of somebody else's."""
    with running({}, port, tmp_path_factory.mktemp("litellm"), callback=TABLES) as ask:
        theirs = {"server_name": "theirs", "url": "http://127.0.0.1:9/mcp", "transport": "http"}
        ask("/v1/mcp/server", theirs, authorization=f"Bearer {KEY}")
        yield ask


@pytest.fixture
def tell(ask: Ask, port: int, bridge: Bridge, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Tells LiteLLM of servers, by name with what their entries say to clients."""
    (tmp_path / "settings.conf").write_text(f"[litellm]\nurl = http://127.0.0.1:{port}\nkey = {KEY}\n")

    def told(servers: dict[str, dict[str, Any]], *, check: bool = False) -> dict[str, Any]:
        specs = [{"name": name, "image": "i", "path": f"/mcp/{name}", "isolation": "pooled"} for name in servers]
        config = {
            "servers": specs, "clients": servers, "remotes": [], "errors": [],
            "entries": {name: str(sorted(said)) for name, said in servers.items()},
            "settings": {"routes": {"auth": "none"}},
        }  # fmt: skip
        arguments = {
            "settings": str(tmp_path / "settings.conf"), "config": config, "memory": str(tmp_path / "memory.json"),
            "public_url": f"http://127.0.0.1:{bridge.port}", "state": "present",
        }  # fmt: skip
        result = result_of(run, arguments, check)
        assert not result.get("failed"), result["msg"]
        assert KEY not in json.dumps(result)
        return result

    return told


def known(ask: Ask) -> dict[str, dict[str, Any]]:
    return {each["server_name"]: each for each in json.loads(ask("/v1/mcp/server", authorization=f"Bearer {KEY}"))}


def test_a_server_lives_in_the_database_as_long_as_in_the_config(ask: Ask, tell: Callable[..., dict[str, Any]]) -> None:
    said = {"description": "Tells the time", "timeout": 30, "includeTools": ["echo"]}
    assert tell({"my-time": said}, check=True)["actions"][0]["action"] == "create"
    assert set(known(ask)) == {"theirs"}
    tell({"my-time": said})
    again = tell({"my-time": said})
    assert (again["changed"], again["actions"]) == (False, [])
    first = known(ask)["my_time"]
    assert (first["timeout"], first["allowed_tools"], first["description"]) == (30, ["echo"], "Tells the time")

    tools = json.loads(ask("/v1/mcp/tools", authorization=f"Bearer {KEY}"))
    assert "echo" in json.dumps(tools)

    changed = tell({"my-time": {}, "second": {}})
    assert [(each["server"], each["action"]) for each in changed["actions"]] == [
        ("my-time", "update"),
        ("second", "create"),
    ]
    found = known(ask)
    assert (found["my_time"]["server_id"], found["my_time"]["allowed_tools"]) == (first["server_id"], [])
    again = tell({"my-time": {}, "second": {}})
    assert (again["changed"], again["actions"]) == (False, [])

    tell({"clock": {"timeout": 5}, "second": {}})  # renamed and edited: another server
    assert "my_time" not in known(ask)
    tell({"watch": {"timeout": 5}, "second": {}})
    assert set(known(ask)) == {"theirs", "watch", "second"}
    tell({})
    assert set(known(ask)) == {"theirs"}


def test_a_renamed_server_keeps_its_id_in_the_database(ask: Ask, tell: Callable[..., dict[str, Any]]) -> None:
    tell({"clock": {"timeout": 5}})
    first = known(ask)["clock"]["server_id"]
    tell({"watch": {"timeout": 5}})
    assert known(ask)["watch"]["server_id"] == first
    tell({})
