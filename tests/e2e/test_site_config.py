"""What people's configs hold beyond docker run, through the whole site playbook: packages, SSE, remotes, secrets."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.e2e.support.client import call
from tests.e2e.support.site import FLEET, PROJECT, Run, Site
from tests.hosts.ask import Asking

# Every secret begins like this, so that one search finds them all, and ends in a name that tells which it was.
MARK = "canary-4b1d-"
SHOP = (
    "import uvicorn, server; uvicorn.run(server.server.sse_app(host='0.0.0.0'), host='0.0.0.0', root_path='/mcp/shop')"
)


def canary(name: str) -> str:
    return f"{MARK}{name}"


def config(root: Path, version: str) -> dict[str, Any]:
    """Servers of every form that needs no image of its own, each with a secret in another place."""
    secret_file, env_file = root / "secret-file", root / "secret.env"
    secret_file.write_text(canary("from-file"))
    env_file.write_text(f"API_TOKEN={canary('env-file')}\n")
    return {
        "uvx": {
            "command": "uvx",
            "args": [f"mcp-server-time@{version}", "--local-timezone=Etc/UTC"],
            "env": {"API_TOKEN": canary("uvx-env"), "PLAIN": f"${{file:{secret_file}}}"},
        },
        "with": {
            "command": "uv",
            "args": ["run", "--with", "mcp-server-time==2026.8.18", "python", "-m", "mcp_server_time"],
            "envFile": str(env_file),
        },
        "module": {
            "command": "python",
            "args": ["-m", "mcp_server_time"],
            "env": {"A": "${input:token}", "B": "${SITE_TOKEN}"},
        },
        "npx": {
            "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-everything@2026.x"],
            "env": {"API_KEY": canary("npx-env")},
            "autoApprove": ["echo"],
            "oauth": {"clientSecret": canary("oauth")},
        },
        "shop": {
            "command": "docker",
            "args": ["run", "-p", "8000:8000", "-w", "/opt/server", "--entrypoint", "python3", "-e", "LICENCE_KEY",
                     "mcp-sample/orders:1", "-c", SHOP],
            "env": {"LICENCE_KEY": canary("docker-env")},
            "orchestrator": {"transport": "sse"},
        },
        # It takes its address, password included, as an argument and in no other way.
        "argument": {
            "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-postgres@0.6.2",
                     f"postgresql://me:{canary('argument')}@127.0.0.1:1/shop"],
            "orchestrator": {"secret_args": True},
        },
        "docs": {
            "url": "https://docs.example.com/mcp",
            "headers": {"Authorization": f"Bearer {canary('header')}", "X-Own": "${DOCS_TOKEN}"},
        },
        "search": {"url": f"https://search.example.com/mcp?api_key={canary('query')}"},
        "proxied": {
            "command": "npx",
            "args": ["mcp-remote", "https://proxied.example.com/mcp", "--header", f"X-Api-Key: {canary('proxied')}"],
        },
    }  # fmt: skip


class Arguments:
    """The arguments of every process of this machine, for as long as something runs, secrets among them."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Arguments:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    arguments = process.read_bytes()
                except OSError:
                    continue
                if MARK.encode() in arguments:
                    self.seen.add(arguments.replace(b"\0", b" ").decode("utf-8", "replace"))


class Watched:
    """A site that has converged the config, with what its runs printed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.outputs: list[str] = []
        self.arguments = Arguments()

    def converge(self, servers: dict[str, Any]) -> Run:
        self.site.write_config(servers)
        run = self.site.reconcile("-vvvv", "--diff")
        self.outputs.append(run.output)
        return run

    def page(self, path: str) -> str:
        password = (self.site.etc / "monitor.password").read_text().strip()
        token = base64.b64encode(f"admin:{password}".encode()).decode()
        request = urllib.request.Request(f"{self.site.url}/monitor{path}", headers={"Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()


def built_images(site: Site) -> set[str]:
    """The images of packages. Whatever else comes and goes on the engine meanwhile is of other tests."""
    return {tag for image in site.docker.images.list() for tag in image.tags if tag.startswith("mcp-built/")}


@pytest.fixture(scope="module")
def watched(site: Site) -> Iterator[Watched]:
    before = built_images(site)
    sample, settings = site.config(), (site.etc / "settings.conf").read_text()
    watched = Watched(site)
    with pytest.MonkeyPatch.context() as patch, watched.arguments:
        patch.setenv("SITE_TOKEN", canary("environment"))
        (site.etc / "settings.conf").write_text(f"{settings}[inputs]\ntoken = {canary('input')}\n")
        try:
            run = watched.converge(config(site.root, "2026.8.18"))
            assert run.code == 0, run.output
            yield watched
        finally:
            (site.etc / "settings.conf").write_text(settings)
            site.write_config(sample)
            site.reconcile()
            for tag in built_images(site) - before:
                site.docker.images.remove(tag, force=True)


@pytest.mark.parametrize("name", ["uvx", "with", "module"])
def test_a_server_from_pypi_answers_through_the_balancer(watched: Watched, name: str) -> None:
    assert "datetime" in call(f"{watched.site.url}/mcp/{name}/mcp", "get_current_time", {"timezone": "Asia/Tokyo"})


def test_a_server_from_npm_answers_through_the_balancer(watched: Watched) -> None:
    assert "hello" in call(f"{watched.site.url}/mcp/npx/mcp", "echo", {"message": "hello"})


def test_a_server_that_speaks_the_older_transport_itself_answers_through_the_balancer(watched: Watched) -> None:
    assert call(f"{watched.site.url}/mcp/shop/sse", "order_status", {"order": "A-1"}, sse=True) == "shipped"


def test_the_state_tells_what_became_of_every_entry(watched: Watched) -> None:
    state = watched.site.state()
    jsonschema.validate(state, json.loads((PROJECT / "files" / "state.schema.json").read_text()))
    servers = watched.site.servers()
    assert {server["health"]["status"] for server in servers.values()} == {"ok"}
    assert servers["uvx"]["package"]["version"] == "2026.8.18"
    assert servers["shop"]["transport"] == "sse"
    assert servers["npx"]["client"] == {
        "type": "http", "url": f"{watched.site.url}/mcp/npx/mcp", "autoApprove": ["echo"]
    }  # fmt: skip
    remotes = {remote["name"]: remote for remote in state["remotes"]}
    assert sorted(remotes) == ["docs", "proxied", "search"]
    assert remotes["docs"]["client"]["headers"] == {"X-Own": "${DOCS_TOKEN}"}
    assert remotes["search"]["client"] is None


def test_a_second_run_changes_nothing(watched: Watched) -> None:
    run = watched.converge(config(watched.site.root, "2026.8.18"))
    assert (run.code, run.changed) == (0, 0), run.output


def test_what_clients_need_is_exported_and_the_monitor_offers_the_same(watched: Watched) -> None:
    path = watched.site.root / "clients.json"
    exported = watched.site.play("export", "-vvvv", "--diff", "-e", f"export_file={path}")
    assert exported.code == 0, exported.output
    watched.outputs.append(exported.output)
    written = json.loads(path.read_text())["mcpServers"]
    assert sorted(written) == ["argument", "docs", "module", "npx", "proxied", "shop", "uvx", "with"]
    assert written == json.loads(watched.page("/mcp.json"))["mcpServers"]
    again = watched.site.play("export", "-e", f"export_file={path}")
    assert (again.code, again.changed) == (0, 0), again.output


def test_with_consent_the_secrets_of_remote_servers_are_exported_and_still_not_printed(watched: Watched) -> None:
    path = watched.site.etc / "clients-with-secrets.json"
    exported = watched.site.play("export", "-vvvv", "--diff", "-e", f"export_file={path}", "-e", "export_secrets=true")
    assert exported.code == 0, exported.output
    watched.outputs.append(exported.output)
    written = json.loads(path.read_text())["mcpServers"]
    assert written["docs"]["headers"]["Authorization"] == f"Bearer {canary('header')}"
    assert written["proxied"]["headers"] == {"X-Api-Key": canary("proxied")}
    assert canary("query") in written["search"]["url"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_check_of_a_config_tells_what_this_host_would_lose(watched: Watched, tmp_path: Path) -> None:
    path = tmp_path / "mcp.config.json"
    kept = {
        name: entry for name, entry in config(watched.site.root, "2026.8.18").items() if name not in ("npx", "docs")
    }
    path.write_text(json.dumps({"mcpServers": kept}))
    run = watched.site.play("config", "-vvvv", "-e", f"config_file={path}")
    watched.outputs.append(run.output)
    assert (run.code, run.changed) == (0, 0), run.output
    assert "This host would lose: npx" in run.output
    assert "the python template and mcp-server-time, 2026.8.18" in run.output


def test_a_check_without_an_engine_says_what_it_cannot_tell(watched: Watched) -> None:
    run = watched.site.play("config", "-e", "config_docker_host=unix:///none/docker.sock")
    assert run.code == 0, run.output
    assert "What this host would lose is not known: " in run.output


def test_another_version_of_a_package_is_built_and_takes_over(watched: Watched) -> None:
    site = watched.site
    before = site.containers()
    run = watched.converge(config(site.root, "2026.10.10"))
    assert run.code == 0, run.output
    after = site.containers()
    assert {name for name in before if after.get(name) != before[name]} == {f"{FLEET}-uvx"}
    assert after.keys() == before.keys()
    assert site.servers()["uvx"]["package"]["version"] == "2026.10.10"
    site.wait_well("uvx")


def test_a_rebuild_on_request_names_its_reason_and_takes_over_from_the_container_before(watched: Watched) -> None:
    site = watched.site
    before = site.containers()
    run = site.reconcile("--diff", "-e", json.dumps({"mcp_rebuild": ["uvx"]}))
    watched.outputs.append(run.output)
    assert run.code == 0, run.output
    assert "built, because its rebuild was requested" in run.output
    assert re.search(r"image mcp-built/mcp-server-time:\w+ is now sha256:\w+ \(was sha256:\w+\)", run.output)
    after = site.containers()
    assert {name for name in before if after.get(name) != before[name]} == {f"{FLEET}-uvx"}
    site.wait_well("uvx")
    bills = {path.name.partition(".")[0] for path in (site.var / "sbom").iterdir()}
    assert {site.docker.containers.get(f"{FLEET}-{name}").image.id[7:] for name in ("uvx", "npx")} <= bills


def command_lines(site: Site, name: str) -> list[str]:
    """The command line of every process of a server's container."""
    container = site.docker.containers.get(f"{FLEET}-{name}")
    processes = [row[1] for row in container.top()["Processes"]]
    read = [Path(f"/proc/{process}/cmdline").read_bytes() for process in processes]
    return [line.replace(b"\0", b" ").decode("utf-8", "replace") for line in read]


def test_a_secret_argument_is_on_the_command_line_of_the_servers_own_process_alone(watched: Watched) -> None:
    server = watched.site.servers()["argument"]
    assert server["health"]["status"] == "ok"
    assert server["health"]["tools"] == ["query"]
    lines = command_lines(watched.site, "argument")
    having = [line for line in lines if MARK in line]
    assert having
    assert all("server-postgres" in line and " bridge " not in line for line in having)
    assert any(" bridge " in line for line in lines)


def environments(site: Site, name: str) -> str:
    """The environment of every process of a server's container."""
    container = site.docker.containers.get(f"{FLEET}-{name}")
    found = []
    for _user, process, *_rest in container.top()["Processes"]:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a health check's has ended meanwhile
            found.append(Path(f"/proc/{process}/environ").read_bytes().decode("utf-8", "replace"))
    return "".join(found)


def test_a_rotated_secret_reaches_its_server_alone_and_no_request_is_lost(watched: Watched) -> None:
    site = watched.site
    before = site.containers()
    assert canary("from-file") in environments(site, "uvx")
    (site.root / "secret-file").write_text(canary("rotated"))
    with Asking(f"{site.url}/mcp/uvx") as asking:
        run = site.reconcile("-vvvv", "--diff")
        watched.outputs.append(run.output)
    assert run.code == 0, run.output
    assert asking.failures == []
    assert asking.count > 20
    after = site.containers()
    assert {name for name in before if after.get(name) != before[name]} == {f"{FLEET}-uvx"}
    assert "env PLAIN changed" in run.output
    now = environments(site, "uvx")
    assert canary("rotated") in now
    assert canary("from-file") not in now
    assert "datetime" in call(f"{site.url}/mcp/uvx/mcp", "get_current_time", {"timezone": "Asia/Tokyo"})
    assert site.reconcile().changed == 0


def test_another_key_of_the_fleet_replaces_every_server_with_values_and_no_request_is_lost(watched: Watched) -> None:
    site = watched.site
    before = site.containers()
    key = site.etc / "fleet.key"
    old = key.read_bytes()
    key.write_bytes(os.urandom(32))
    with Asking(f"{site.url}/mcp/uvx") as asking:
        run = site.reconcile("-vvvv", "--diff")
        watched.outputs.append(run.output)
    assert run.code == 0, run.output
    assert asking.failures == []
    after = site.containers()
    with_values = {f"{FLEET}-{name}" for name in ("uvx", "with", "module", "npx", "shop", "argument")}
    assert {name for name in before if after.get(name) != before[name]} == with_values
    assert canary("rotated") in environments(site, "uvx")
    labels = json.dumps([each.labels for each in site.docker.containers.list(filters={"label": f"mcp_fleet={FLEET}"})])
    assert old.hex() not in labels
    assert key.read_bytes().hex() not in labels
    assert site.reconcile().changed == 0


def test_no_secret_is_in_anything_that_the_runs_left_behind(watched: Watched) -> None:
    """The last of this file: everything that the tests before it did is searched."""
    site = watched.site
    found = {f"output {number}": text for number, text in enumerate(watched.outputs)}
    # The one place where a secret argument belongs: the server's own process, from its first moment on, when it is
    # still the script that starts it, or the `env` of a script's first line.
    own = {
        line
        for line in watched.arguments.seen
        if ("server-postgres" in line or line.startswith("/bin/sh /opt/server/start ")) and " bridge " not in line
    }
    found["arguments of processes"] = "\n".join(watched.arguments.seen - own)
    pages = ["", "/state.json", "/mcp.json", "/api/v1/servers", "/api/v1/routes", "/api/v1/runs", "/v0.1/servers"]
    pages += ["/metrics", "/targets", "/targets?of=logs", "/metrics/balancer"]
    pages += [f"/{name}" for name in ("logs", "calls", "runs", "routes", "resources", "connect", "audit")]
    pages += [f"/servers/{name}" for name in site.running()]
    pages += [f"/api/v1/servers/{name}/explain" for name in site.running()]  # what the MCP tools tell as well
    pages += [f"/runs/{run['id']}" for run in json.loads(watched.page("/api/v1/runs"))["runs"]]
    found |= {f"page {path}": watched.page(path) for path in pages}
    for container in site.docker.containers.list(all=True, filters={"label": f"mcp_fleet={FLEET}"}):
        inspected = container.attrs
        inspected["Config"].pop("Env")  # the one place where they belong
        found[f"container {container.name}"] = json.dumps(inspected)
        found[f"log of {container.name}"] = container.logs().decode("utf-8", "replace")
    for image in site.docker.images.list(filters={"label": "mcp_package"}):
        found[f"image {image.tags}"] = json.dumps([image.attrs, image.history()])
    found["volumes and networks"] = json.dumps([each.attrs for each in site.docker.volumes.list()], default=str)
    lines = {place: [line for line in text.splitlines() if MARK in line] for place, text in found.items()}
    assert {place: told for place, told in lines.items() if told} == {}
    # The operator's own files, and what was exported with consent, are in etc or begin with "secret".
    grep = ["grep", "-rlF", MARK, str(site.root), "--exclude-dir=etc", "--exclude=secret*"]
    assert subprocess.run(grep, capture_output=True, text=True, check=False).stdout.split() == []
