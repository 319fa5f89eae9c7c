# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory for a cluster: written once, kept where an entry is wrong, emptied of what is gone, without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import workload_facts
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_kubernetes_manifest

SETTINGS = """
[kubernetes]
router_namespace = ingress-nginx
bridge_image = registry.example.com/bridge:1
"""
TIME = {
    "command": "docker",
    "args": ["run", "-i", "-e", "TOKEN", "--entrypoint", "/bin/time", "mcp/time:1"],
    "env": {"TOKEN": "canary-1"},
    "orchestrator": {"network": ["api.example.com"]},
}
ORDERS = {"command": "docker", "args": ["run", "-p", "8000", "mcp/orders:1"], "orchestrator": {"strip_prefix": False}}
ROOT = {**ORDERS, "args": ["run", "-p", "8000", "-u", "0", "mcp/orders:1"]}


class Site:
    """A config, and where it is exported to."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.out = folder / "k8s"
        self.addresses: tuple[str, ...] = ("192.0.43.7/32",)
        (folder / "settings.conf").write_text(SETTINGS)
        (folder / "fleet.key").write_bytes(b"k" * 32)
        (folder / "fleet.key").chmod(0o600)

    def config(self, **servers: Any) -> None:
        (self.folder / "mcp.config.json").write_text(json.dumps({"mcpServers": servers}))

    def run(self, **options: Any) -> dict[str, Any]:
        arguments = {
            "path": str(self.out),
            "config": [str(self.folder / "mcp.config.json")],
            "settings": str(self.folder / "settings.conf"),
            "key_file": str(self.folder / "fleet.key"),
            "docker_host": "unix:///nowhere.sock",
            **options,
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            mcp_kubernetes_manifest.main()
        result: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return result

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.out.iterdir())}


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path, capsys)
    made.config(time=TIME, orders=ORDERS)
    monkeypatch.setattr(workload_facts, "look_up", lambda hosts: dict.fromkeys(hosts, made.addresses))
    return made


def annotations(text: str) -> dict[str, str]:
    (deployment,) = (each for each in yaml.safe_load_all(text) if each["kind"] == "Deployment")
    found: dict[str, str] = deployment["spec"]["template"]["metadata"]["annotations"]
    return found


def test_the_directory_is_written_once_and_then_left_alone(site: Site) -> None:
    first, before = site.run(), site.files()
    second = site.run()
    assert (first["changed"], second["changed"], site.files()) == (True, False, before)
    assert list(before) == ["kustomization.yaml", "mcp-orders.yaml", "mcp-time.yaml"]
    assert yaml.safe_load(before["kustomization.yaml"])["resources"] == ["mcp-orders.yaml", "mcp-time.yaml"]
    assert "# Needs Secret mcp-time-env with TOKEN\n" in before["mcp-time.yaml"]


def test_no_secret_is_in_a_file_or_a_result(site: Site) -> None:
    result = site.run(_ansible_verbosity=4, _ansible_diff=True)
    assert "canary" not in json.dumps(result) + json.dumps(site.files())


def test_another_value_of_a_variable_replaces_pods_and_nothing_else_does(site: Site) -> None:
    site.run()
    before = site.files()
    site.config(time={**TIME, "env": {"TOKEN": "canary-2"}}, orders=ORDERS)
    site.run()
    after = site.files()
    assert annotations(after["mcp-time.yaml"])["mcp_values"] != annotations(before["mcp-time.yaml"])["mcp_values"]
    assert after["mcp-orders.yaml"] == before["mcp-orders.yaml"]


def test_without_the_key_nobody_is_asked_for_values_and_the_files_are_the_same_each_time(site: Site) -> None:
    site.config(time={**TIME, "env": {"TOKEN": "${file:/nowhere}"}})
    assert "failed" not in site.run(key_file=None)
    before = site.files()
    assert site.run(key_file=str(site.folder / "none.key"))["changed"] is False
    assert "mcp_values" not in annotations(before["mcp-time.yaml"])


def test_the_file_of_a_server_that_is_gone_goes_and_that_of_a_wrong_one_stays(site: Site) -> None:
    site.run()
    before = site.files()
    site.config(orders=ROOT)
    result = site.run()
    assert result["failed"] is True
    assert result["errors"][0]["message"].startswith("mcp.config.json: --user: '0' is root")
    after = site.files()
    assert list(after) == ["kustomization.yaml", "mcp-orders.yaml"]
    assert after["mcp-orders.yaml"] == before["mcp-orders.yaml"]
    assert yaml.safe_load(after["kustomization.yaml"])["resources"] == ["mcp-orders.yaml"]


def test_a_disabled_server_is_left_out_and_said_so(site: Site) -> None:
    site.config(time={**TIME, "disabled": True}, orders=ORDERS)
    assert "left out: time: disabled" in site.run()["report"]
    assert "mcp-time.yaml" not in site.files()


def test_a_file_of_somebody_else_stays_and_one_in_the_way_is_an_error(site: Site) -> None:
    site.out.mkdir()
    (site.out / "namespace.yaml").write_text("kind: Namespace\n")
    site.run()
    assert site.files()["namespace.yaml"] == "kind: Namespace\n"
    (site.out / "mcp-time.yaml").write_text("kind: Deployment\n")
    assert "mcp-time.yaml exists and was not written for the fleet mcp" in site.run()["msg"]
    assert site.files()["mcp-time.yaml"] == "kind: Deployment\n"


def test_addresses_of_hosts_stay_while_names_take_turns_between_them(site: Site) -> None:
    site.addresses = ("192.0.43.7/32", "192.0.43.8/32")
    site.run()
    site.addresses = ("192.0.43.8/32",)
    assert site.run()["changed"] is False
    site.addresses = ("192.0.43.9/32",)
    assert site.run()["changed"] is True
    assert '["192.0.43.9/32",' in yaml.safe_load(json.dumps(site.files()))["mcp-time.yaml"].replace("\\", "")


def test_check_mode_writes_nothing_and_shows_the_files(site: Site) -> None:
    result = site.run(_ansible_check_mode=True, _ansible_diff=True)
    assert result["changed"] is True
    assert not site.out.exists()
    assert [each["after_header"] for each in result["diff"]][-1] == "mcp-time.yaml"


def test_settings_that_let_nobody_reach_a_pod_are_an_error_and_nothing_is_written(site: Site) -> None:
    (site.folder / "settings.conf").write_text("")
    result = site.run()
    assert "settings.conf: [kubernetes] router_networks: is empty" in result["msg"]
    assert not site.out.exists()


def test_an_engine_that_does_not_answer_is_a_warning(site: Site) -> None:
    assert "the engine could not be asked what images bring" in json.dumps(site.run()["warnings"])
