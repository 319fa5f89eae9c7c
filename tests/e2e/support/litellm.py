"""LiteLLM Proxy, installed into an environment of its own and run in front of MCP servers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.conformance.node import CACHE
from tests.e2e.support.waiting import until
from tests.unit.bridge.client import BOTH

KEY = "sk-test"
Ask = Callable[..., str]


def programs() -> Path:
    """The folder of its programs. Raises CalledProcessError."""
    home = CACHE / "litellm"
    if not (home / "bin/litellm").exists():
        uv = shutil.which("uv")
        if uv is None:
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            install = [str(home / "bin/python"), "-m", "pip", "install", "--quiet"]
        else:
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
            install = [uv, "pip", "install", "--quiet", "--python", str(home / "bin/python")]
        subprocess.run([*install, "litellm[proxy]>=1.100,<2"], check=True)
    return home / "bin"


@contextlib.contextmanager
def running(servers: dict[str, Any] | Path, port: int, folder: Path, *, callback: Path | None = None) -> Iterator[Ask]:
    """A proxy with ``servers``, its ``mcp_servers`` or a file that has them, while the block lasts; gives what asks it.

    ``callback`` is a module with a ``callback`` that runs in the proxy.

    Raises AssertionError where it does not start.
    """
    found = programs()
    config = folder / "config.yaml"
    source: dict[str, Any] = {"include": [str(servers)]} if isinstance(servers, Path) else {"mcp_servers": servers}
    if callback is not None:
        shutil.copy(callback, folder / "with_callback.py")
        source["litellm_settings"] = {"callbacks": "with_callback.callback"}
    config.write_text(json.dumps({"general_settings": {"master_key": KEY}, "model_list": [], **source}))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(found / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)],
            env={
                **os.environ,
                "PATH": f"{found}:{os.environ['PATH']}",
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "NO_PROXY": "127.0.0.1",
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def ask(path: str, body: Any = None, **headers: str) -> str:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"content-type": "application/json", "accept": BOTH}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, sent)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text: str = answer.read().decode()
            return text

    def lives() -> bool:
        assert process.poll() is None, (folder / "log").read_text()[-4000:]
        with contextlib.suppress(OSError):
            return bool(ask("/health/liveliness"))
        return False

    try:
        until(lives, "LiteLLM answers", 180)
        yield ask
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
