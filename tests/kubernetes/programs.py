"""Where the programs of Kubernetes are, which build.sh makes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

VERSION = "1.20.2"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = _CACHE / "mcp-orchestrator" / "kubernetes" / VERSION
BUILD = Path(__file__).parent / "build.sh"


def are_built() -> bool:
    """Whether all of them are there."""
    return (FOLDER / "kube-apiserver").exists()


def build() -> None:
    """Builds what is missing, which takes several minutes."""
    if not are_built():
        subprocess.run([BUILD, FOLDER], check=True)
