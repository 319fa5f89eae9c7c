"""A fleet on a cluster whose new pods are verified: by the real program, through the API server, at a real server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import verification

from tests.kubernetes.cluster import PROJECT, Cluster
from tests.kubernetes.nodes import STAND_IN
from tests.kubernetes.workload_scene import SECRET, WorkloadScene, http

SUITE = """
servers: [shop]
cases:
  - name: knows the price of tea
    steps: [{call_tool: price, arguments: {item: tea}, expect: [{path: json.price, equals: 2.5}]}]
"""


class VerifyScene(WorkloadScene):
    """``command`` is what verifies. Where this checkout is, the user nobody may read nothing, so root asks."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(cluster, namespace, folder)
        patch.setattr(verification, "NOBODY", 0)
        files = folder / "verify.d"
        files.mkdir()
        (files / "shop.yml").write_text(SUITE)
        self.command = ["env", f"PYTHONPATH={PROJECT / 'files'}", sys.executable, "-m", "verify", str(files)]

    def settings(self, *, timeout: int = 60, repair: bool = True) -> None:
        """Writes the settings, with which a controller removes prefixes."""
        super().settings(timeout=timeout, repair=repair)
        self.settings_file.write_text(f"{self.settings_file.read_text()}\n[ingress_strip_annotations]\nstrips = yes\n")

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "verify": self.command}

    def of_verification(self) -> list[str]:
        """What is there for the sake of a verification."""
        return [name for name in self.objects() if ".verify" in name]


def entry(version: int, url: str, **extension: Any) -> dict[str, Any]:
    """The server ``shop``, at whose pods' place the server at ``url`` answers."""
    labels = {STAND_IN: str(urlsplit(url).port)}
    more = {"mcp_path": "/mcp", "strip_prefix": True, "verify": True, "labels": labels, **extension}
    return {**http(f"mcp/shop:{version}", **more), "env": {"TOKEN": SECRET}}
