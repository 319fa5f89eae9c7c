"""Idle stdio servers, a third each in Python, on node and static, held by containers of a release or by a peer."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from benchmarks.density_parts import usage
from tests.e2e.support.ports import free_port, listens
from tests.e2e.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
STATIC = "mcp-bench/static:1"
IMAGES = ("mcp-sample/time:1", "mcp-sample/everything:1", STATIC)
LABEL = "mcp_bench_density"
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "idle", "version": "1"}}


@dataclass
class Server:
    """One idle server: its name, its image and what runs in it."""

    name: str
    image: str
    command: list[str]
    port: int


def servers(api: docker.APIClient, count: int) -> list[Server]:
    """Returns `count` servers, taken from the images in turn. Makes those images. Raises CalledProcessError."""
    build = [sys.executable, str(ROOT / "files/images/build.py")]
    subprocess.run([*build, *(image for image in IMAGES if image != STATIC)], check=True, capture_output=True)
    static_image(api)
    found = []
    for number in range(count):
        image = IMAGES[number % len(IMAGES)]
        about = api.inspect_image(image)["Config"]
        command = [*(about["Entrypoint"] or ()), *(about["Cmd"] or ())]
        found.append(Server(f"idle-{number:02}", image, command, free_port()))
    return found


def static_image(api: docker.APIClient) -> None:
    """Makes an image with one static binary and nothing else. Raises CalledProcessError without a compiler."""
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "echo"
        subprocess.run(["cc", "-O2", "-static", "-o", binary, ROOT / "benchmarks/bridge_parts/echo.c"], check=True)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(binary, "echo")
    repository, _, tag = STATIC.partition(":")
    api.import_image_from_data(archive.getvalue(), repository=repository, tag=tag, changes=['ENTRYPOINT ["/echo"]'])


def build_runtime(project: Path, parent: Path) -> Path:
    """Builds the bridge's runtime of a release below `parent`. Raises CalledProcessError."""
    command = [sys.executable, str(project / "files/bridge/runtime/build.py"), "--parent", str(parent)]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def sleeps(project: Path) -> bool:
    """Returns whether the servers of a release can sleep."""
    return "--sleep-after" in (project / "files/bridge/options.py").read_text()


@contextlib.contextmanager
def containers(
    api: docker.APIClient, project: Path, runtime: Path, fleet: list[Server], sleep_after: int = 0
) -> Iterator[list[int]]:
    """Runs the servers as a release does, and gives their first processes once all are well, and a client has come and
    gone. `sleep_after`: seconds, where the release's servers can sleep."""
    lines = "".join(json.dumps(vars(server)) + "\n" for server in fleet)
    command = [sys.executable, str(ROOT / "benchmarks/density_parts/bodies.py"), str(project), str(runtime)]
    said = subprocess.run(command, input=lines, check=True, capture_output=True, text=True).stdout
    made = []
    try:
        for server, line in zip(fleet, said.splitlines(), strict=True):
            made.append(_start(api, server, json.loads(line), sleep_after if sleeps(project) else None))
        wanted = ("asleep",) if sleep_after and sleeps(project) else ("ok", "degraded")
        for server in fleet:
            until(lambda server=server: _state(server) in wanted, f"{server.name} is {wanted[0]}", 600)
            _end(server.port, f"/mcp/{server.name}/mcp", _session(server.port, f"/mcp/{server.name}/mcp"))
        for server in fleet:
            until(lambda server=server: _state(server) in wanted, f"{server.name} is {wanted[0]} again", 600)
        yield [api.inspect_container(each)["State"]["Pid"] for each in made]
    finally:
        for each in made:
            api.remove_container(each, force=True, v=True)


def _start(api: docker.APIClient, server: Server, body: dict[str, Any], sleep_after: int | None) -> str:
    if sleep_after is not None:
        at = body["Entrypoint"].index("--")
        body["Entrypoint"][at:at] = ["--sleep-after", str(sleep_after)]
    body["HostConfig"]["NetworkMode"] = "bridge"
    body["Labels"] = {LABEL: "1"}
    body.pop("NetworkingConfig", None)
    made: str = api.create_container_from_config(body)["Id"]
    api.start(made)
    return made


def _state(server: Server) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/mcp/{server.name}/health", timeout=5) as answer:
            return str(json.load(answer)["state"])
    except OSError:  # refused, or 503 while it starts
        return ""


def cpu_per_hour(pids: list[int], seconds: float) -> dict[str, float]:
    """Returns the CPU seconds an hour of the containers and of the engine, measured for `seconds`."""
    began, inside, engine = time.monotonic(), sum(map(usage.container_cpu, pids)), usage.engine_cpu()
    time.sleep(seconds)
    hours = (time.monotonic() - began) / 3600
    return {
        "containers": (sum(map(usage.container_cpu, pids)) - inside) / hours,
        "engine": (usage.engine_cpu() - engine) / hours,
    }


def peer_memory(api: docker.APIClient, argv: list[str], path: str, fleet: list[Server], folder: Path) -> float:
    """Returns the private megabytes of a peer, started once for each server with a session that is left alone, and of
    the servers behind it. `argv`: with {port} and {server}, the server's command line. They run outside of containers,
    in the images' own files."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        for server in fleet:
            line = _unpacked(api, server, folder)
            command = [part.replace("{port}", str(server.port)).replace("{server}", line) for part in argv]
            output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            running.append(subprocess.Popen(command, start_new_session=True, **output))
        for server in fleet:
            until(lambda server=server: listens(server.port), f"the peer of {server.name} listens", 600)
            _session(server.port, path)
        time.sleep(5)
        return usage.private_mb(usage.below(process.pid for process in running))
    finally:
        for pid in reversed(usage.below(process.pid for process in running)):
            with contextlib.suppress(ProcessLookupError):
                subprocess.run(["kill", "-KILL", str(pid)], check=False, capture_output=True)
        for process in running:
            process.wait()


def _session(port: int, path: str) -> str:
    """Opens a session, leaves it, and returns its id."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        if b'"result"' not in answer.read():
            raise RuntimeError(f"the server at {port} does not initialize")
        return str(answer.headers["Mcp-Session-Id"])


def _end(port: int, path: str, session: str) -> None:
    headers = {"Mcp-Session-Id": session}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers, method="DELETE")
    urllib.request.urlopen(request, timeout=60).close()


def _unpacked(api: docker.APIClient, server: Server, folder: Path) -> str:
    """A program that runs the server in its image's files, which are unpacked once."""
    root = folder / server.image.replace("/", "-").replace(":", "-")
    about = api.inspect_image(server.image)["Config"]
    if not root.is_dir():
        root.mkdir()
        made = api.create_container(server.image, command="none")["Id"]
        try:
            archive = folder / "image.tar"
            with archive.open("wb") as file:
                file.writelines(api.export(made))
            subprocess.run(["tar", "-x", "-C", root, "-f", archive], check=True)
            archive.unlink()
        finally:
            api.remove_container(made)
    program = folder / f"{root.name}.sh"
    words = " ".join(f"'{word}'" for word in server.command)
    where = about["WorkingDir"] or "/"
    program.write_text(
        f"#!/bin/sh\nexec env -i {' '.join(about['Env'] or ())} python3 -c \"import os, sys; os.chroot('{root}');"
        f" os.chdir('{where}'); os.execvp(sys.argv[1], sys.argv[1:])\" {words}\n"
    )
    program.chmod(0o755)
    return str(program)
