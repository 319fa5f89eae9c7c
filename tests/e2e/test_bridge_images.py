"""The bridge inside unchanged images: whatever libc they have, or none, and however little they are allowed."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.server import render
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import workload
from bridge.runtime.image import load, write_image

from tests.e2e.support.container_scene import ContainerScene
from tests.unit.bridge.client import ROOT, Bridge, Client, free_port, last, request, until

LABEL = "bridge-test"
PATH = "/mcp/tried"
HARDENED: dict[str, Any] = {
    "init": True,
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "mem_limit": "512m",
    "pids_limit": 128,
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
# Answers everything, and for a call first takes more memory than there is.
GREEDY = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "tools/call":
        taken = b"x" * (1 << 29)
    if "id" in asked:
        told = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": told}), flush=True)
"""
Run = Callable[..., "Contained"]


class Contained(Bridge):
    """A bridge in a container."""

    def __init__(self, container: Any, port: int) -> None:
        self.container = container
        self.port = port
        self.path = PATH
        self.log = []

    def exec(self, *command: str) -> tuple[int, str]:
        found = self.container.exec_run(list(command))
        return found.exit_code, found.output.decode()


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The runtime, built from this Python as from a host's."""
    # Not one of pytest's folders: those are root's alone, and containers run as other users.
    parent = Path("/var/tmp/bridge-test-runtime")
    command = [sys.executable, str(ROOT / "files/bridge/runtime/build.py"), "--parent", str(parent)]
    yield Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def tiny(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Images with nothing but one program: static, and dynamic on musl."""
    folder = tmp_path_factory.mktemp("tiny")
    source = ROOT / "benchmarks/bridge_parts/echo.c"
    if not (shutil.which("cc") and shutil.which("musl-gcc")):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "gcc", "libc6-dev", "musl-tools"]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cc", "-O2", "-static", "-o", str(folder / "static"), str(source)], check=True)
    # A library of its own, which the loader finds only if nothing of the bridge's environment gets in its way.
    (folder / "own.c").write_text("int own(void) { return 0; }\n")
    subprocess.run(["musl-gcc", "-shared", "-fPIC", "-o", str(folder / "libown.so"), str(folder / "own.c")], check=True)
    linked = ["-Wl,--no-as-needed", f"-L{folder}", "-lown"]
    subprocess.run(["musl-gcc", "-O2", "-o", str(folder / "musl"), str(source), *linked], check=True)
    loader = next(Path("/lib").glob("ld-musl-*.so.1"))
    (folder / "passwd").write_text("root:x:0:0::/root:/bin/ash\nnobody:x:65534:65534::/:/sbin/nologin\n")
    (folder / "release").write_text("3.20.0\n")
    alpine = {
        "server": folder / "musl",
        str(loader)[1:]: loader.resolve(),
        "usr/lib/libown.so": folder / "libown.so",
        "etc/passwd": folder / "passwd",
        "etc/alpine-release": folder / "release",
    }
    images = {
        "static": imported(engine, "scratch", {"server": folder / "static"}),
        "musl": imported(engine, "musl", alpine),
    }
    yield images
    for image in images.values():
        engine.images.remove(image, force=True)


def imported(engine: Any, tag: str, files: dict[str, Path]) -> str:
    """An image with these files alone, which starts /server as a user who is nobody."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, path in files.items():
            archive.add(path, name)
    changes = ['ENTRYPOINT ["/server"]', "USER 65534:65534", "ENV GREETING=hello"]
    engine.api.import_image_from_data(packed.getvalue(), repository=LABEL, tag=tag, changes=changes)
    return f"{LABEL}:{tag}"


@pytest.fixture
def run(engine: Any, runtime: Path) -> Iterator[Run]:
    """Runs images with the bridge as their entrypoint."""
    started: list[Any] = []

    def running(image: str, *options: str, server: list[str] | None = None, **more: Any) -> Contained:
        config = engine.images.get(image).attrs["Config"]
        server = server or [*(config["Entrypoint"] or []), *(config["Cmd"] or [])]
        port = free_port()
        loader = ["--library-path", "/.mcp/lib", "--argv0", "/.mcp/python", "/.mcp/python", "-ISOO", "-m", "bridge"]
        container = engine.containers.run(
            image,
            [*loader, "--port", "8000", "--path", PATH, *options, "--", *server],
            entrypoint=["/.mcp/ld.so"],
            detach=True,
            labels={LABEL: "1"},
            ports={"8000/tcp": ("127.0.0.1", port)},
            volumes={
                str(runtime): {"bind": "/.mcp", "mode": "ro"},
                str(ROOT / "tests/hostile"): {"bind": "/hostile", "mode": "ro"},
            },
            **{**HARDENED, **more},
        )
        started.append(container)
        bridge = Contained(container, port)

        def serves() -> bool:
            try:
                return bool(bridge.health()["state"] == "ok")
            except (OSError, ValueError):
                container.reload()
                assert container.status == "running", container.logs().decode()
                return False

        until(serves, seconds=60)
        return bridge

    yield running
    for container in started:
        container.remove(force=True)


def test_a_static_binary_in_an_image_without_anything_else_is_served(run: Run, tiny: dict[str, str]) -> None:
    bridge = run(tiny["static"])
    client = Client(bridge)
    client.open()
    assert client.call("echo") == "the echo of a call"
    loader = ["/.mcp/ld.so", "--library-path", "/.mcp/lib"]
    found, said = bridge.exec(*loader, "/.mcp/bash", "-p", "/.mcp/healthcheck.sh", "8000", PATH)
    assert (found, json.loads(said)["state"]) == (0, "ok")


def test_a_dynamic_binary_on_musl_is_served(run: Run, tiny: dict[str, str]) -> None:
    client = Client(run(tiny["musl"]))
    client.open()
    assert client.call("echo") == "the echo of a call"


def test_the_containers_that_the_module_makes_tell_their_health_themselves(
    runtime: Path, tiny: dict[str, str], engine: Any
) -> None:
    scene = ContainerScene(bridge=str(runtime), health_timeout=60)
    images = {"static": tiny["static"], "musl": tiny["musl"], "python": "mcp-sample/time:1"}
    try:
        specs = [
            scene.spec(name, image=image, transport="stdio", port=None, health_path=f"/mcp/{name}/health", memory=2**28)
            for name, image in images.items()
        ]
        assert not scene.run(specs)["errors"]
        for name in images:
            container = engine.containers.get(scene.name(name))
            health = container.attrs["Config"]["Healthcheck"]
            assert health["Test"][0] == "CMD"
            assert container.attrs["HostConfig"]["ReadonlyRootfs"]
            # As the engine runs it: in the container, as its user, without a shell.
            found = container.exec_run(health["Test"][1:])
            assert (found.exit_code, json.loads(found.output)["state"]) == (0, "ok")
    finally:
        scene.clean()


def test_a_server_runs_with_what_a_pod_copies_out_of_the_bridge_s_image(
    runtime: Path, tiny: dict[str, str], engine: Any
) -> None:
    objects, findings = render(workload())
    assert not findings.errors
    pod = next(each for each in objects if each["kind"] == "Deployment")["spec"]["template"]["spec"]
    init = pod["initContainers"][0]
    tag = f"{LABEL}:bridge"
    # As an emptyDir: root's, and anybody may write into it.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        volume = Path(folder) / "volume"
        volume.mkdir()
        volume.chmod(0o777)
        Path(folder).chmod(0o755)
        identity = write_image(runtime, Path(folder) / "image.tar", tag)
        load(Path(folder) / "image.tar")
        scene = ContainerScene(bridge=str(volume / "runtime"), health_timeout=60)
        try:
            assert engine.images.get(tag).id == identity
            for _again in range(2):  # an init container may run twice
                engine.containers.run(
                    tag,
                    init["command"][1:],
                    entrypoint=init["command"][:1],
                    user="10001:10001",
                    remove=True,
                    network_mode="none",
                    volumes={str(volume): {"bind": "/bridge", "mode": "rw"}},
                    **{**HARDENED, "init": False, "mem_limit": "128m"},
                )
            more = {"transport": "stdio", "port": None, "health_path": "/mcp/static/health", "memory": 2**28}
            assert not scene.run([scene.spec("static", image=tiny["static"], **more)])["errors"]
        finally:
            scene.clean()
            engine.images.remove(tag, force=True)


@pytest.mark.parametrize("user", ["0:0", "1234:5678", "65534"])
def test_any_user_may_run_it(run: Run, tiny: dict[str, str], user: str) -> None:
    client = Client(run(tiny["static"], user=user))
    client.open()
    assert client.call("echo") == "the echo of a call"


@pytest.mark.parametrize(
    ("image", "tool", "arguments", "expected"),
    [
        ("mcp-sample/time:1", "get_current_time", {"timezone": "Etc/UTC"}, "Etc/UTC"),
        ("mcp-sample/everything:1", "echo", {"message": "hello"}, "hello"),
    ],
)
def test_real_servers_in_python_and_node_are_served_on_a_read_only_root(
    run: Run, image: str, tool: str, arguments: dict[str, str], expected: str
) -> None:
    client = Client(run(image, user="1234:1234"))
    client.open()
    assert expected in str(client.call(tool, **arguments))


def test_processes_of_ended_sessions_leave_the_container(run: Run) -> None:
    bridge = run("mcp-sample/everything:1", "--warm-processes", "0")
    before = len(bridge.container.top()["Processes"])
    clients = [Client(bridge) for _ in range(3)]
    for client in clients:
        client.open()
    assert len(bridge.container.top()["Processes"]) == before + 3
    for client in clients:
        client.delete()
    until(lambda: len(bridge.container.top()["Processes"]) == before)


@pytest.mark.parametrize("init", [True, False])
def test_what_detaches_itself_leaves_the_container_with_its_session(run: Run, init: bool) -> None:
    hostile = ["python3", "/hostile/server.py"]
    bridge = run("mcp-sample/time:1", "--warm-processes", "0", server=hostile, user="1234:1234", init=init)
    before = len(bridge.container.top()["Processes"])
    staying, leaving = Client(bridge), Client(bridge)
    for client in (staying, leaving):
        client.open()
        client.call("daemon")
    assert len(bridge.container.top()["Processes"]) == before + 4
    leaving.delete()
    until(lambda: len(bridge.container.top()["Processes"]) == before + 2)
    assert staying.call("echo", text="here") == "here"


def test_the_container_stops_well_before_the_engine_kills_it(run: Run, tiny: dict[str, str]) -> None:
    bridge = run(tiny["static"])
    Client(bridge).open()
    bridge.container.stop()
    bridge.container.reload()
    assert bridge.container.attrs["State"]["ExitCode"] == 0  # not 137


def test_the_bridge_is_light(run: Run, tiny: dict[str, str]) -> None:
    bridge = run(tiny["static"])
    processes = bridge.container.top(ps_args="-o pid,rss,args")["Processes"]
    resident = [int(fields[1]) / 1024 for fields in processes if "ld.so" in fields[2] and "init" not in fields[2]]
    assert resident[0] < 30


def test_the_runtime_shares_no_file_with_anything_that_may_change(runtime: Path) -> None:
    assert not [path for path in runtime.rglob("*") if path.is_file() and path.stat().st_nlink > 1]


def test_the_runtime_is_built_once_and_named_by_its_content(runtime: Path) -> None:
    command = [sys.executable, str(ROOT / "files/bridge/runtime/build.py"), "--parent", str(runtime.parent)]
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert again.stdout.strip() == str(runtime)
    assert "built" not in again.stderr
    other = subprocess.run(["/usr/bin/python3", *command[1:]], check=True, capture_output=True, text=True)
    assert (Path(other.stdout.strip()) == runtime) == (Path(sys.base_prefix) == Path("/usr"))


@pytest.mark.parametrize("short", [{"mem_limit": "224m", "memswap_limit": "224m"}, {"pids_limit": 22}])
def test_a_session_that_the_container_has_no_room_for_is_refused_and_the_others_live(
    run: Run, short: dict[str, Any]
) -> None:
    what = "memory" if "mem_limit" in short else "processes"
    bridge = run("mcp-sample/time:1", "--warm-processes", "0", server=["mcp-server-time"], **short)
    clients = [Client(bridge) for _ in range(12)]
    with ThreadPoolExecutor(len(clients)) as pool:
        replies = list(pool.map(lambda client: client.post(request("initialize", HELLO, 1)), clients))
    refused = [reply for reply in replies if reply.status == 503]
    served = [(client, reply) for client, reply in zip(clients, replies, strict=True) if reply.status == 200]
    assert 1 <= len(served) <= 6
    assert len(refused) == len(clients) - len(served)
    for reply in refused:
        assert reply.headers["retry-after"] == "5"
        assert f"of {what}" in reply.json["error"]["message"] or f"{what} and threads" in reply.json["error"]["message"]
    for client, reply in served:
        client.session = reply.headers["mcp-session-id"]
        assert client.post(request("tools/list", {}, 2)).status == 200
    # Once they are measured there may be room for another one.
    health = bridge.health()
    assert (health["sessions"], health["oom_kills"]) == (len(served), 0)


def test_a_process_that_is_killed_for_want_of_memory_is_told_as_that(run: Run) -> None:
    limit = {"mem_limit": "128m", "memswap_limit": "128m"}
    bridge = run("mcp-sample/time:1", "--warm-processes", "0", server=["python3", "-c", GREEDY], **limit)
    client, other = Client(bridge), Client(bridge)
    client.open()
    other.open()
    reply = client.post(client.calling("take"))
    said = last(reply)["error"]["message"] if reply.is_stream else reply.json["error"]["message"]
    assert said.startswith(
        "out of memory: the kernel killed a process of the server, because the container has 128 MiB"
    )
    assert other.post(request("ping", None, 3)).status == 200
    health = bridge.health()
    assert (health["status"], health["state"], health["kind"]) == (200, "degraded", "memory")
    assert health["oom_kills"] >= 1


def test_a_waking_process_that_is_killed_for_want_of_memory_costs_its_session_and_the_next_is_served(run: Run) -> None:
    # Takes more memory than there is before it answers, once somebody says so.
    waking = "import os\nif os.path.exists('/dev/shm/greedy'):\n    taken = b'x' * (1 << 29)\n" + GREEDY
    limit = {"mem_limit": "128m", "memswap_limit": "128m"}
    bridge = run("mcp-sample/time:1", "--sleep-after", "0.5", server=["python3", "-c", waking], **limit)
    until(lambda: bridge.health()["state"] == "asleep")
    assert bridge.exec("python3", "-c", "open('/dev/shm/greedy', 'w')")[0] == 0
    said = last(Client(bridge).post(request("initialize", HELLO, 1)))["error"]["message"]
    assert said.startswith("out of memory: the kernel killed a process of the server")
    assert bridge.exec("python3", "-c", "import os; os.unlink('/dev/shm/greedy')")[0] == 0
    client = Client(bridge)
    client.open()
    assert client.post(request("tools/list", {}, 2)).status == 200
    until(lambda: bridge.health()["status"] == 200)
