"""What servers require, with PostgreSQL on a real engine: started before them, seen by nobody else, and kept."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import load_env, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

from tests.e2e.support.container_scene import KEY, ContainerScene
from tests.e2e.support.site import PROJECT

DATABASE = "mcp-sample/postgres:15"
PYTHON = "mcp-base/python:3.11"
PASSWORD = "sw0rdfish-of-the-database"
INITDB = '[ -s "$PGDATA/PG_VERSION" ] || { echo "$PW" >/tmp/pw && initdb -A scram-sha-256 --pwfile=/tmp/pw; }'
OPEN = 'echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"'
SERVE = ["run", "-p", "8000:8000", PYTHON, "python3", "-m", "http.server", "8000", "--directory", "/tmp"]


class Fleet:
    """Two servers of a config, of which one has a database. ``folder`` holds the config."""

    def __init__(self, scene: ContainerScene, folder: Path) -> None:
        self.scene = scene
        self._config = folder / "mcp.config.json"
        self.volume = f"{scene.fleet}-orders-db"
        as_postgres: dict[str, Any] = {"image": DATABASE, "env": {"PW": PASSWORD, "PGPASSWORD": PASSWORD}}
        data = {"volumes": [f"{self.volume}:/var/lib/postgresql/data"]}
        step = {**as_postgres, "condition": "completed"}
        client = ["psql", "-h", "db", "-v", "ON_ERROR_STOP=1", "-c"]
        self.requires: dict[str, Any] = {
            "initdb": {**step, **data, "command": ["bash", "-c", f"{INITDB} && {OPEN}"]},
            "db": {**as_postgres, **data, "tmpfs": ["/run/postgresql"], "health": ["pg_isready", "-h", "127.0.0.1"]},
            "schema": {**step, "command": [*client, "CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)"]},
        }

    def specs(self) -> list[Spec]:
        servers = {
            "orders": {"command": "docker", "args": SERVE, "orchestrator": {"requires": self.requires}},
            "other": {"command": "docker", "args": SERVE},
        }
        self._config.write_text(json.dumps({"mcpServers": servers}))
        fleet = read_fleet([str(self._config)], None, KEY)
        assert fleet.errors == []
        self.scene.values = load_env([str(self._config)], None)
        return fleet.specs

    def run(self) -> list[tuple[str, str]]:
        """Both halves of a run, which must succeed; what they did."""
        specs = self.specs()
        results = [self.scene.run(specs, retire=retire) for retire in (False, True)]
        assert [result["errors"] for result in results] == [[], []]
        return [(each["server"], each["action"]) for result in results for each in result["actions"]]

    def inside(self, server: str, *command: str) -> subprocess.CompletedProcess[str]:
        argv = ["docker", "exec", self.scene.name(server), *command]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)

    def reaches(self, server: str, address: str) -> bool:
        script = f"import socket; socket.create_connection(('{address}', 5432), timeout=3)"
        return self.inside(server, "python3", "-c", script).returncode == 0

    def orders(self) -> str:
        return self.inside("orders.db", "psql", "-h", "127.0.0.1", "-Atc", "SELECT id FROM orders").stdout.strip()

    def remove_volume(self) -> None:
        for each in ("orders.db", "orders"):
            self.scene.api.remove_container(self.scene.name(each), force=True, v=True)
        self.scene.api.remove_volume(self.volume)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    subprocess.run(["python3", "files/images/build.py", DATABASE, PYTHON], check=True, cwd=PROJECT)
    scene = ContainerScene(health_timeout=60)
    try:
        yield Fleet(scene, tmp_path)
    finally:
        scene.clean()


def test_a_database_is_made_once_seen_by_its_server_alone_comes_back_and_goes_when_nobody_requires_it(
    fleet: Fleet,
) -> None:
    done = fleet.run()
    order = [each for each in done if each[1] in ("run", "create") and each[0] != "other"]
    assert order == [("orders.initdb", "run"), ("orders.db", "create"), ("orders.schema", "run"), ("orders", "create")]
    assert fleet.run() == []

    database = fleet.scene.containers()[fleet.scene.name("orders.db")]
    (network,) = database["NetworkSettings"]["Networks"].values()
    assert fleet.reaches("orders", "db")
    assert not fleet.reaches("other", "db")
    assert not fleet.reaches("other", network["IPAddress"])
    out = fleet.inside("orders.db", "bash", "-c", "timeout 3 bash -c '</dev/tcp/1.1.1.1/53' || exit 9")
    assert out.returncode == 9
    assert database["HostConfig"]["CapDrop"] == ["ALL"]
    assert database["HostConfig"]["ReadonlyRootfs"] is True
    assert database["HostConfig"]["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert PASSWORD not in json.dumps(database["Config"]["Labels"])

    fleet.scene.api.remove_container(fleet.scene.name("orders.db"), force=True)
    assert fleet.run() == [("orders.db", "create")]
    assert fleet.orders() == "7"

    fleet.scene.api.kill(fleet.scene.name("orders.db"))
    assert fleet.run() == [("orders.db", "start")]
    assert fleet.reaches("orders", "db")

    fleet.remove_volume()
    assert [server for server, action in fleet.run() if action == "run"] == ["orders.initdb", "orders.schema"]
    assert fleet.orders() == "7"

    fleet.requires["schema"]["command"][-1] = "INSERT INTO orders VALUES (8)"
    assert fleet.run() == [("orders.schema", "run")]
    assert fleet.orders().split() == ["7", "8"]

    fleet.requires = {}
    fleet.run()
    assert fleet.run() == []
    assert sorted(fleet.scene.containers()) == [fleet.scene.name("orders"), fleet.scene.name("other")]
    assert fleet.scene.api.networks(names=[f"{fleet.scene.name('orders')}.net"]) == []
    assert fleet.scene.api.inspect_volume(fleet.volume)["Name"] == fleet.volume


def test_a_step_that_fails_keeps_its_server_alone_from_starting(fleet: Fleet) -> None:
    fleet.requires["schema"]["command"][-1] = "SELECT nonsense"
    result = fleet.scene.run(fleet.specs())
    (error,) = result["errors"]
    assert error["server"] == "orders"
    assert "orchestrator.requires.schema: it ended with exit code 1" in error["message"]
    assert 'column "nonsense" does not exist' in error["message"]
    states = {each["name"]: each["state"] for each in result["endpoints"]}
    assert states == {"orders": "failed", "other": "running"}
    required = next(each for each in result["endpoints"] if each["name"] == "orders")["requires"]
    assert [each["state"] for each in required] == ["completed", "healthy", "failed"]
