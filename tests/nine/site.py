"""A site of the nine: its folders, secrets and config, and what there is of it in the engine."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.support.site import FLEET, QUIET, Run, Site, settings
from tests.nine.here import FOLDERS, SECRETS, entries, verifications

SIGHT = Path(__file__).with_name("sight.py")


class NineSite(Site):
    """The product with the nine of tests/nine/here.py."""

    last: subprocess.Popen[str] | None = None

    @property
    def variables(self) -> dict[str, Any]:
        bases = {"python": "mcp-base/python:3.11", "node": "mcp-base/node:24"}
        return {**super().variables, "mcp_image_bases": bases}

    def start(self, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
        """Begins a run, which the end of the site waits for."""
        self.last = super().start(*arguments, **options)
        return self.last

    def prepare(self) -> None:
        """Lays down what an operator does: folders, secrets, settings, config, verifications."""
        folders = self.root / "srv"
        shutil.copytree(FOLDERS, folders)
        subprocess.run(["chmod", "-R", "u=rwX,go=rX", str(folders)], check=True)
        (self.etc / "secrets").mkdir(mode=0o700)
        for name in SECRETS:
            (self.etc / "secrets" / name).write_text(secrets.token_hex(16))
        (self.etc / "settings.conf").write_text(settings() + f"[security]\nhost_path_roots = {folders}\n")
        self.write_config(entries(self.etc, folders, FLEET))
        verifications(self.etc / "verify.d")

    def volumes(self) -> list[str]:
        """The volumes of this fleet: what the servers keep, which no teardown removes."""
        return [each.name for each in self.docker.volumes.list() if each.name.startswith(f"{FLEET}-")]

    def verify(self, *options: str) -> Run:
        """Runs the installed verification over the files of the nine."""
        command = [str(self.root / "home/venv/bin/python"), "-m", "verify", str(self.etc / "verify.d")]
        done = subprocess.run(
            [*command, "--state", str(self.var / "state.json"), "--at-once", "3", *options],
            cwd=self.root / "home/current/files",
            env={**os.environ, **QUIET},
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr)

    def of(self, label: str) -> dict[str, dict[str, Any]]:
        """What the engine says of the fleet's containers that have a label, by their ``mcp_service``."""
        marks = {"label": [f"mcp_fleet={FLEET}", label]}
        found = [self.docker.api.inspect_container(each["Id"]) for each in self.docker.api.containers(filters=marks)]
        return {each["Config"]["Labels"]["mcp_service"]: each for each in found}

    def sees(self, container: dict[str, Any], names: list[str], addresses: list[list[Any]]) -> dict[str, Any]:
        """Which of these names and addresses are found from within the container's network."""
        done = subprocess.run(
            ["nsenter", f"--target={container['State']['Pid']}", "--net", sys.executable, "-I", str(SIGHT)],
            input=json.dumps({"names": names, "addresses": addresses}),
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextmanager
def nine_site() -> Iterator[NineSite]:
    """A site that is not installed yet. In the end nothing is left of it but its images."""
    root = Path(tempfile.mkdtemp(prefix="mcp-nine-", dir="/var/tmp"))
    site = NineSite(root)
    try:
        site.prepare()
        yield site
    finally:
        if site.last is not None and site.last.poll() is None:
            site.last.communicate()  # one that goes on would make again what the teardown removes
        gone = site.play("teardown")
        for name in site.volumes():
            site.docker.volumes.get(name).remove()
        shutil.rmtree(root, ignore_errors=True)
        if gone.code:
            print(gone.output)
