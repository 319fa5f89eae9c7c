"""What operators ask for by requests, on a whole installation: clients call through the balancer meanwhile."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.support.site import PROJECT, USERS, Site
from tests.e2e.support.waiting import until

PLAIN = {"command": "docker", "args": ["run", "-i", "--rm", "mcp-sample/time:1"]}


def asked(site: Site, *arguments: str, entry: dict[str, Any] | None = None) -> tuple[int, str]:
    """Asks on the host's command line while a run goes, as a watch starts one; returns its exit code and output."""
    command = [sys.executable, "-m", "request", *arguments, "--directory", str(site.var), "--timeout", "300"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "files"), "SUDO_USER": "alice"}
    program = subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    program.stdin.write(json.dumps(entry or {}))
    program.stdin.close()
    until(lambda: any((site.var / "requests").iterdir()) or program.poll() is not None, "it has asked")
    site.reconcile()
    return program.wait(timeout=300), program.stdout.read()


def status(site: Site, server: str) -> int:
    """What the balancer answers to a ping of a server."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{site.url}/mcp/{server}/mcp", body, headers), timeout=30
        ) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def running(site: Site, server: str) -> list[str]:
    found = site.docker.containers.list(filters={"label": f"mcp_service={server}"})
    return [each.name for each in found if each.labels["mcp_fleet"] == site.state()["fleet"]]


@pytest.fixture
def pooled(site: Site) -> Iterator[str]:
    """A server that no session binds to a container, so that each call is one of its own."""
    code, told = asked(
        site, "create", "clock", "--entry", "-", entry={**PLAIN, "orchestrator": {"isolation": "pooled"}}
    )
    assert code == 0, told
    yield "clock"
    code, told = asked(site, "delete", "clock")
    assert code == 0, told
    assert not running(site, "clock")
    assert not list((site.etc / "mcp.config.d").iterdir())


def test_a_stopped_server_stays_stopped_until_it_is_started(site: Site) -> None:
    code, told = asked(site, "stop", "time")
    assert code == 0, told
    assert "time: stopped by alice at " in told
    assert "stop — stopped by alice at " in told
    assert not running(site, "time")
    until(lambda: status(site, "time") == 503, "the balancer has nobody to ask")
    assert site.reconcile().code == 0
    assert not running(site, "time")
    found = site.servers()["time"]
    assert found["condition"] == "stopped"
    assert found["text"]["condition"].startswith("stopped by alice at 20")
    assert (found["override"]["stopped"]["by"], found["error"]) == ("alice", None)
    # As after a boot or by a careless hand: it is started, and nobody has asked for it.
    site.docker.containers.get(found["container"]["name"]).start()
    check = site.reconcile("--check", "--diff")
    assert "stopped by alice at 20" in check.output
    assert site.reconcile().code == 0
    assert not running(site, "time")
    code, told = asked(site, "start", "time")
    assert code == 0, told
    assert running(site, "time")
    assert site.servers()["time"]["condition"] == "ok"
    assert site.servers()["time"]["override"] is None
    assert site.reconcile().changed == 0


def test_a_restart_under_load_loses_nothing(site: Site, pooled: str) -> None:
    before = running(site, pooled)
    identity = site.docker.containers.get(before[0]).id
    answers: Counter[int] = Counter()
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            answers[status(site, pooled)] += 1

    clients = [threading.Thread(target=call) for _number in range(4)]
    for client in clients:
        client.start()
    try:
        code, told = asked(site, "restart", pooled)
    finally:
        over.set()
        for client in clients:
            client.join()
    assert code == 0, told
    (after,) = running(site, pooled)
    assert site.docker.containers.get(after).id != identity
    assert answers.total() > 50
    assert set(answers) == {status(site, pooled)}, answers
    assert site.reconcile().changed == 0  # once is once


RIGHT = """
servers: [clock]
cases:
  - name: has its tools
    steps: [{list_tools: , expect: [{path: "tools[].name", contains: get_current_time}]}]
"""
WRONG = RIGHT.replace("get_current_time", "get_the_moon")


def test_a_rollout_that_does_not_pass_its_verification_is_held_back_and_loses_nothing(site: Site, pooled: str) -> None:
    (name,) = running(site, pooled)
    before = site.docker.containers.get(name).id
    (file,) = (site.etc / "mcp.config.d").iterdir()
    entries = json.loads(file.read_text())
    cases = site.etc / "verify.d" / "clock.yml"
    cases.parent.mkdir()
    answers: Counter[int] = Counter()
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            answers[status(site, pooled)] += 1

    def edited(memory: str) -> None:
        entries["mcpServers"][pooled]["orchestrator"] |= {"verify": True, "resources": {"memory": memory}}
        file.write_text(json.dumps(entries))

    client = threading.Thread(target=call)
    client.start()
    try:
        cases.write_text(WRONG)
        edited("300m")
        assert site.reconcile().code != 0
        assert running(site, pooled) == [name]
        assert site.docker.containers.get(name).id == before
        error = site.servers()[pooled]["error"]
        assert "its verification failed: clock.yml: has its tools: step 1 list_tools: tools[].name is [" in error
        assert "keeps serving" in error
        cases.write_text(RIGHT)
        edited("310m")
        assert site.reconcile().code == 0
    finally:
        over.set()
        client.join()
    (after,) = running(site, pooled)
    assert site.docker.containers.get(after).id != before
    assert set(answers) == {status(site, pooled)}, answers
    assert "clock   1      1 passed" in verified(site)
    run = site.play("verify", "-e", '{"verify_names": ["clock"], "verify_options": ["--direct"]}')
    assert (run.code, run.changed, "clock   1      1 passed" in run.output) == (0, 0, True), run.output


def verified(site: Site) -> str:
    """What the installed program says of the server of ``verify.d``; it passes."""
    command = [site.root / "home/venv/bin/python", "-m", "verify", site.etc / "verify.d"]
    where = ["--state", site.var / "state.json", "--json", site.var / "verify.json"]
    environment = {**os.environ, "PYTHONPATH": str(site.root / "home/current/files")}
    done = subprocess.run([*command, *where], cwd="/", env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (site.var / "verify.json").stat().st_gid == (site.var / "state.json").stat().st_gid
    return done.stdout


def test_the_pages_user_asks_and_reads_and_can_do_nothing_else(site: Site) -> None:
    user = pwd.getpwnam(USERS["monitor_user"])
    secret = "s3same-0pen-s3same"
    spool, results = site.var / "requests", site.var / "results"
    asks = {"action": "create", "server": "evil", "by": "bob", "from": "page 10.0.0.7"}
    as_user = f"""
import json, os
os.umask(0o077)
entries = {{"e1": {{"env": {{"K": "${{file:/etc/shadow}}"}}}}, "e2": {{"args": ["run", "-v", "/etc:/x", "i"]}}}}
for name, entry in entries.items():
    open("{spool}/." + name, "w").write(json.dumps({{**{asks!r}, "entry": {{"command": "docker", **entry}}}}))
    os.rename("{spool}/." + name, "{spool}/" + name + ".json")
open("{spool}/.s", "w").write(json.dumps({{"action": "stop", "server": "nobody", "by": "bob"}}))
os.rename("{spool}/.s", "{spool}/s1.json")
os.symlink("/etc/shadow", "{spool}/l1.json")
os.mkfifo("{spool}/f1.json")
os.mkdir("{spool}/d1.json")
for folder in ("{spool}", "{site.var}/taken", "{site.var}/refused"):
    try:
        os.listdir(folder)
    except PermissionError:
        continue
    raise SystemExit(f"{{folder}} can be listed")
"""
    program = ["/usr/bin/python3", "-c", as_user]
    done = subprocess.run(
        program, user=user.pw_uid, group=user.pw_gid, extra_groups=[], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert site.reconcile().code == 0
    assert not list(spool.iterdir())
    for name in ("e1", "e2", "s1", "l1", "f1", "d1"):
        read = subprocess.run(
            ["cat", results / f"{name}.json"], user=user.pw_uid, group=user.pw_gid, extra_groups=[],
            capture_output=True, check=True,
        )  # fmt: skip
        assert json.loads(read.stdout)["status"] == "refused", name
        assert secret.encode() not in read.stdout
    last = [json.loads(line) for line in (site.var / "audit.jsonl").read_text().splitlines()][-6:]
    assert {each["status"] for each in last} == {"refused"}
    assert {"uid": user.pw_uid, "user": user.pw_name, "name": "bob"} in [each["who"] for each in last]
    assert "evil" not in site.servers()
