# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.inventory import (
    dpkg_components,
    npm_components,
    pip_components,
    runtime_components,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.sbom import Subject, bill_of_materials, serialized
from hypothesis import given, settings
from hypothesis import strategies as st

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


def npm(**packages: Any) -> list[dict[str, Any]]:
    return npm_components(json.dumps({"packages": packages["packages"]}).encode())


def test_every_package_of_npms_lock_is_listed_with_what_identifies_it() -> None:
    integrity = "sha512-" + "A" * 86 + "=="
    found = npm(
        packages={
            "node_modules/@scope/server": {"version": "1.2.3", "license": "MIT", "integrity": integrity},
            "node_modules/@scope/server/node_modules/left-pad": {"version": "1.0.0"},
            "node_modules/left-pad": {"version": "2.0.0"},
            "node_modules/alias": {"name": "real", "version": "3.0.0"},
            "node_modules/linked": {"version": "1.0.0", "link": True},
        }
    )
    assert [each["purl"] for each in found] == [
        "pkg:npm/%40scope/server@1.2.3",
        "pkg:npm/left-pad@1.0.0",
        "pkg:npm/left-pad@2.0.0",
        "pkg:npm/real@3.0.0",
    ]
    assert found[0]["hashes"] == [{"alg": "SHA-512", "content": "00" * 64}]
    assert found[0]["licenses"] == [{"license": {"name": "MIT"}}]


def test_every_package_of_pips_report_is_listed_with_what_identifies_it() -> None:
    report = {
        "install": [
            {
                "metadata": {"name": "Ruamel.Yaml", "version": "1.0", "license_expression": "MIT"},
                "download_info": {"url": "https://host/x.whl", "archive_info": {"hashes": {"sha256": "ab" * 32}}},
            },
            {
                "metadata": {"name": "mine", "version": "0.1"},
                "download_info": {"url": "https://host/x.git", "vcs_info": {"vcs": "git", "commit_id": "c" * 40}},
            },
        ]
    }
    mine, ruamel = pip_components(json.dumps(report).encode())
    assert ruamel["purl"] == "pkg:pypi/ruamel-yaml@1.0"
    assert ruamel["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert mine["externalReferences"] == [{"type": "distribution", "url": f"https://host/x.git@{'c' * 40}"}]


def test_installed_packages_of_debian_are_listed_with_their_release() -> None:
    status = (
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u10\nDescription: C\n"
        " Version: of a continued line\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    )
    release = 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
    (found,) = dpkg_components(status.encode(), release.encode())
    assert found["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12"


def test_the_interpreter_of_an_official_image_is_listed() -> None:
    found = runtime_components(["PATH=/bin", "NODE_VERSION=22.11.0", "odd"])
    assert [each["purl"] for each in found] == ["pkg:generic/node@22.11.0"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://user:hunter2@npm.example.com/x.tgz", "https://npm.example.com/x.tgz"),
        ("https://npm.example.com:8443/x.tgz?X-Amz-Signature=hunter2#hunter2", "https://npm.example.com:8443/x.tgz"),
        ("git+ssh://git@github.com/a/b.git#0123", "git+ssh://github.com/a/b.git"),
    ],
)
def test_no_credential_of_an_address_gets_into_the_list(address: str, public: str) -> None:
    (found,) = npm(packages={"node_modules/x": {"version": "1", "resolved": address}})
    assert found["externalReferences"] == [{"type": "distribution", "url": public}]


def test_what_is_nested_too_deeply_makes_an_empty_list() -> None:
    assert npm_components(b"[" * 100_000) == pip_components(b"[" * 100_000) == []


@settings(deadline=None)  # the machine may be busy
@given(ANYTHING, st.binary(max_size=200))
def test_what_a_package_wrote_itself_makes_at_worst_an_empty_list(value: Any, noise: bytes) -> None:
    for content in (json.dumps(value).encode(), noise):
        assert isinstance(npm_components(content), list)
        assert isinstance(pip_components(content), list)
        assert isinstance(dpkg_components(content, content), list)
    for wrapped in ({"packages": {"node_modules/x": value}}, {"install": [value, {"metadata": value}]}):
        content = json.dumps(wrapped).encode()
        found = [*npm_components(content), *pip_components(content)]
        assert all(each["name"].isprintable() for each in found)


def test_the_document_names_the_image_its_base_and_its_packages_once() -> None:
    subject = Subject("mcp-built/x:1", "sha256:" + "a" * 64, "x 1.0", "2026-11-28T00:00:00Z", "node:22", "sha256:b")
    own = npm(packages={"node_modules/x": {"version": "1.0"}})
    document = json.loads(serialized(bill_of_materials(subject, own, [])))
    assert document["metadata"]["component"]["version"] == subject.id
    assert [each["name"] for each in document["components"]] == ["node:22", "x"]
    assert document["dependencies"] == [{"ref": "image", "dependsOn": ["base", "pkg:npm/x@1.0"]}]
    assert document == json.loads(serialized(bill_of_materials(subject, own, [])))
