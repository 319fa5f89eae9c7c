"""What is exported for ContextForge, read by the import of ContextForge itself (make client-files)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from monitor.client_entries import FILES

from tests.clients.test_parsers import ENTRIES
from tests.conformance.node import CACHE

PACKAGE = "mcp-contextforge-gateway==1.0.7"
SECRET = "0123456789abcdef" * 4
READ = """
import json, sys
from mcpgateway.services.import_service import ImportService
service, document = ImportService(), json.load(sys.stdin)
service.validate_import_data(document)
found = [service._convert_to_gateway_create(each) for each in document["entities"]["gateways"]]
print(json.dumps([[each.name, str(each.url), each.transport] for each in found]))
"""


def program() -> Path:
    """The interpreter of an environment that has it."""
    home = CACHE / "contextforge"
    if not (home / "bin/mcpgateway").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([str(home / "bin/python"), "-m", "pip", "install", "--quiet", PACKAGE], check=True)
    return home / "bin/python"


def test_it_takes_every_server_as_a_gateway(tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/it.db",
        "JWT_SECRET_KEY": SECRET,
        "AUTH_ENCRYPTION_SECRET": SECRET[::-1],
        # One of these entries is on this machine, one at a name that nobody has.
        "SSRF_ALLOW_LOCALHOST": "true",
        "SSRF_DNS_FAIL_CLOSED": "false",
    }
    run = subprocess.run(
        [str(program()), "-c", READ],
        input=FILES["contextforge"](ENTRIES), env=environment, cwd=tmp_path, text=True, capture_output=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    kinds = {"http": "STREAMABLEHTTP", "sse": "SSE"}
    wanted = [[name, each["url"], kinds[str(each["type"])]] for name, each in ENTRIES.items()]
    assert json.loads(run.stdout.splitlines()[-1]) == wanted
