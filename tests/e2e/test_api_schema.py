"""The running API keeps to its own OpenAPI document, whatever it is asked: schemathesis looks for what does not.

MCP_FUZZ is the number of examples for each operation; make fuzz tries many, and the operations' other names too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from monitor.access.tokens import FILE, Token, digest_of, write_tokens

from benchmarks.monitor_parts.serving import PROJECT, monitor
from tests.monitor_data.site import make_site

TOKEN = "mcpt_of-a-test"
EXAMPLES = int(os.environ.get("MCP_FUZZ", "2"))
LESS = ("--exclude-path-regex", "^/containers/") if "MCP_FUZZ" not in os.environ else ()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_site(tmp_path_factory.mktemp("site"), servers=10, days=1, lines=40, calls=60)
    for name in ("requests", "results", "monitor"):
        (folder / name).mkdir()
    token = Token("test", "admin", digest_of(TOKEN), datetime(2026, 1, 1, tzinfo=UTC), None)
    write_tokens(folder / FILE, {"test": token}, os.getgid())
    return folder


@pytest.mark.parametrize("path", ["/api/v1", "/v0.1"])
def test_no_answer_is_undeclared_and_none_is_a_fault_of_the_monitors(site: Path, path: str) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    with monitor(site) as served:
        url = f"http://127.0.0.1:{served.port}/monitor{path}/openapi.json"
        found = subprocess.run(
            [
                *(program, "--config-file", PROJECT / "tests/e2e/support/schemathesis.toml", "run", url),
                *("--header", f"Authorization: Bearer {TOKEN}", "--no-color", "--rate-limit", "50/s"),
                *("--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing", "--seed", "7", *LESS),
            ],
            cwd=site,
            capture_output=True,
            text=True,
            timeout=3600,
        )
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
