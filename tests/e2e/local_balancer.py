"""The local ALB, started for a test on ports of its own, and small servers to stand behind it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.credentials import write_credentials
from tests.e2e.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]
LISTENER_ARN = (
    "arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/mcp-local/0000000000000001/0000000000000001"
)
HOST_ID = "i-00000000000000001"


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    """Ask until the condition holds; raises AssertionError where it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


class LocalBalancer:
    """The control plane and HAProxy as two processes, as on a host."""

    def __init__(self, directory: Path, options: tuple[str, ...] = ()) -> None:
        control, listener = free_port(), free_port()
        self.endpoint_url = f"http://127.0.0.1:{control}"
        self.url = f"http://127.0.0.1:{listener}"
        self.credentials = write_credentials(directory / "credentials")
        config, master = directory / "haproxy.cfg", directory / "master.sock"
        log = (directory / "log").open("wb")
        arguments = ["--directory", str(directory / "state"), "--control", f"127.0.0.1:{control}"]
        arguments += ["--credentials", str(self.credentials)]
        arguments += ["--listener", f"127.0.0.1:{listener}", "--haproxy-config", str(config)]
        arguments += ["--haproxy-socket", str(master), "--faults", "--log-level", "WARNING", *options]
        program = [sys.executable, "-m", "local_alb", *arguments]
        self._processes = [subprocess.Popen(program, cwd=PROJECT / "files", stdout=log, stderr=log)]
        try:
            wait_until(config.exists, "the control plane wrote HAProxy's configuration")
            haproxy = ["haproxy", "-W", "-S", str(master), "-f", str(config)]
            self._processes.append(subprocess.Popen(haproxy, stdout=log, stderr=log, start_new_session=True))
            wait_until(lambda: self.status("/nowhere") == 404, "HAProxy answers")
        except BaseException:
            self.stop()
            raise

    @property
    def access(self) -> tuple[None, str, str]:
        """What the modules' ``connect`` needs to reach the control plane."""
        return None, self.endpoint_url, str(self.credentials)

    def stop(self) -> None:
        """End both processes."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if len(self._processes) > 1:  # old workers finish their streams in their own time
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._processes[1].pid, signal.SIGKILL)

    def set_faults(self, *faults: dict[str, Any], throttle: dict[str, list[float]] | None = None) -> None:
        """Replace the control plane's faults; this also forgets the calls that it has counted."""
        body = json.dumps({"faults": faults, **({"throttle": throttle} if throttle else {})}).encode()
        request = urllib.request.Request(f"{self.endpoint_url}/faults", body, method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    @property
    def calls(self) -> list[str]:
        """The operations called since the faults were set."""
        with urllib.request.urlopen(f"{self.endpoint_url}/faults", timeout=10) as answer:
            found: list[str] = json.load(answer)["calls"]
            return found

    def status(self, path: str) -> int:
        """The HTTP status that a path answers with through the listener; 0 where nobody answers."""
        return self.ask(path)[0]

    def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        """The status and the JSON that a path answers with through the listener."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code, {}
        except OSError:
            return 0, {}


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: health checks hang up as soon as they know enough."""


class TinyServer:
    """Answers 200 to every GET with its own name and the path it saw, but 503 below ``/health`` while it is sick."""

    def __init__(self, name: str, address: str = "127.0.0.1") -> None:
        server = self
        self.name = name
        self.is_sick = False
        self.seen: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                is_health = self.path.endswith("/health")
                if not is_health:
                    server.seen.append(self.path)
                body = json.dumps({"name": server.name, "path": self.path}).encode()
                self.send_response(503 if is_health and server.is_sick else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing."""

        self._server = _QuietServer((address, 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
