"""A cluster to try things out, until Ctrl-C: python -m tests.kubernetes [FOLDER]. It is built when it is missing."""

from __future__ import annotations

import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT)]

from tests.kubernetes.cluster import running  # noqa: E402
from tests.kubernetes.programs import FOLDER, build  # noqa: E402


def main() -> None:
    build()
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="mcp-kubernetes-") as made:
        folder = Path(*sys.argv[1:]) if sys.argv[1:] else Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        with running(folder) as cluster:
            print(f"export KUBECONFIG={cluster.kubeconfig} PATH={FOLDER}:$PATH", flush=True)
            signal.pause()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
