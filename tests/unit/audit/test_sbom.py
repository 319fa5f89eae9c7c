"""The bill of materials of the bridge's runtime, made on this machine; nothing outside it is asked."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

FILES = Path(__file__).resolve().parents[3] / "files"


def test_the_runtimes_bill_lists_the_interpreter_the_libraries_and_their_packages() -> None:
    command = [sys.executable, "-m", "bridge.runtime.sbom"]
    environment = {**os.environ, "PYTHONPATH": str(FILES)}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    components = json.loads(run.stdout)["components"]
    purls = [each["purl"] for each in components if "purl" in each]
    assert f"pkg:generic/cpython@{platform.python_version()}" in purls
    assert any(purl.startswith("pkg:deb/debian/libc6@") for purl in purls)
    files = [each for each in components if each["type"] == "file"]
    assert {"libc.so.6"} <= {Path(each["name"]).name for each in files}
    assert all(len(each["hashes"][0]["content"]) == 64 for each in files)
    references = [each["bom-ref"] for each in components]
    assert len(references) == len(set(references))
