#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_image
short_description: Build the images of servers that come as packages
version_added: 0.1.0
description:
  - A server that a config starts with C(npx), C(uvx) or the like has a recipe in its spec instead of a ready image.
    This module builds the image from a runtime template, in a container, never on the host.
  - An image is built again only when its package or the template changes; the engine's layer cache keeps what did not
    change.
  - What was installed is recorded in the image's labels C(mcp_package), C(mcp_version) and C(mcp_package_digest), the
    base in C(org.opencontainers.image.base.name) and C(org.opencontainers.image.base.digest), and when it was installed
    in C(org.opencontainers.image.created).
  - A build has limits, gets no credentials, and installs packages as another user than root.
  - An image whose name a later build has taken is removed once no container uses it.
  - An image that cannot be built fails only its own servers.
  - Servers whose spec names a C(signature_key) are returned with the digest of an image that this key has signed in
    the way of cosign, and otherwise left out. Servers whose image is built here, or whose pull policy is C(never), are
    returned as they are.
extends_documentation_fragment:
  - mcp.orchestrator.engine
options:
  servers:
    description:
      - The specs of the fleet, as M(mcp.orchestrator.mcp_config_info) returns them.
      - Nothing is built for servers without a recipe.
    type: list
    elements: dict
    required: true
  templates:
    description: The folder with one folder for each runtime, C(node) and C(python), and a Dockerfile in each.
    type: path
    required: true
  bases:
    description: The image that each runtime's template builds on.
    type: dict
    default: {}
    suboptions:
      node:
        description: An image with node and npm.
        type: str
        default: node:22-slim
      python:
        description: An image with Python 3, pip and venv.
        type: str
        default: python:3.12-slim
  limits:
    description: What a build may take.
    type: dict
    default: {}
    suboptions:
      memory:
        description: Bytes of memory, without swap.
        type: int
        default: 2147483648
      cpus:
        description: CPU cores.
        type: float
        default: 2.0
      timeout:
        description: Seconds in all.
        type: int
        default: 900
  on_hosts:
    description: Names of the servers that hosts run. Images of others are not needed here. By default all are.
    type: list
    elements: str
  registry:
    description:
      - Where images are pushed for a cluster, as the first part of their names, for example
        C(registry.example.com/mcp). The engine's own login is used. Empty for nowhere.
    type: str
    default: ""
  push:
    description: Names of the servers that a cluster runs, whose images are built here and pushed to O(registry).
    type: list
    elements: str
    default: []
  host:
    description:
      - As in M(mcp.orchestrator.mcp_workload). A host that does not speak for the fleet pushes nothing.
    type: str
  hosts:
    description: As in M(mcp.orchestrator.mcp_workload).
    type: dict
    default: {}
  rebuild:
    description:
      - Servers whose images are built again although they exist, C(*) for all.
      - Their bases are pulled again.
    type: list
    elements: str
    default: []
  rebuild_after_days:
    description: Days after which an image is built again, C(0) for never.
    type: int
    default: 0
  require_digests:
    description: Whether bases have to be named with a digest.
    type: bool
    default: false
  sboms:
    description:
      - The folder in which a bill of materials is kept for each image that is built here, as a CycloneDX document named
        by the image's id. Without it there is none.
    type: path
  signatures:
    description:
      - The folder in which the signatures of verified images are kept. Without it nothing is verified.
    type: path
  fleet:
    description:
      - The name of the fleet. The steps of a build run in its network C(<fleet>-build), which rules of the host's
        packet filter keep from instance metadata, from the host and from the servers, where such rules can be kept.
    type: str
    default: mcp
  port_range_start:
    description: As in M(mcp.orchestrator.mcp_container).
    type: int
    default: 20000
  port_range_end:
    description: As in M(mcp.orchestrator.mcp_container).
    type: int
    default: 29999
  host_ports:
    description: As in M(mcp.orchestrator.mcp_container).
    type: list
    elements: int
    default: []
  rules_directory:
    description: As in M(mcp.orchestrator.mcp_container).
    type: path
attributes:
  check_mode:
    description: Returns what would be built.
    support: full
  diff_mode:
    description: Shows the images that are built, and why.
    support: full
  idempotent:
    description: An image that exists as its recipe describes it is not built again.
    support: full
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
"""

EXAMPLES = r"""
- name: Build the images of servers that come as packages
  mcp.orchestrator.mcp_image:
    servers: "{{ config.servers }}"
    templates: /etc/mcp-orchestrator/templates/runtimes

- name: Build them on images of one's own
  mcp.orchestrator.mcp_image:
    servers: "{{ config.servers }}"
    templates: /etc/mcp-orchestrator/templates/runtimes
    bases:
      python: registry.example.com/python:3.12
      node: registry.example.com/node:22

- name: Build one of them again
  mcp.orchestrator.mcp_image:
    servers: "{{ config.servers }}"
    templates: /etc/mcp-orchestrator/templates/runtimes
    rebuild: [time]
"""

RETURN = r"""
images:
  description: The images that are there now, or in check mode would be.
  returned: when the engine answered
  type: list
  elements: dict
  sample:
    - image: mcp-built/mcp-server-time:bb9eebe928c5
      servers: [time]
      action: built
      reason: it is missing
      id: sha256:9c1185a5c5e9
      package: mcp-server-time
      version: 2026.1.26
      digest: sha256:5f0e
      created: "2026-11-28T14:57:48Z"
      base: python:3.12-slim
      base_digest: sha256:0b23
      sbom: /var/lib/mcp-orchestrator/sbom/9c1185a5c5e9.cdx.json
pushed:
  description: The images in O(registry), by server. A server whose image could not be pushed has none.
  returned: when the engine answered
  type: dict
  sample:
    time: registry.example.com/mcp/mcp-server-time@sha256:9c1185a5c5e9
servers:
  description: The specs of all servers that may run, those that ask for a signature with the verified image's digest.
  returned: when the engine answered
  type: list
  elements: dict
errors:
  description: One for each server that has no image. The module fails when there are any.
  returned: always
  type: list
  elements: dict
  contains:
    server:
      description: The server, or null for the whole fleet.
      type: str
    message:
      description: What is wrong and what to do, in one sentence.
      type: str
unprotected:
  description: Why no rules kept the steps of builds from instance metadata; empty when rules did, or none ran.
  returned: when the engine answered
  type: str
diff:
  description: The images before and after.
  returned: when the engine answered
  type: dict
  contains:
    before:
      description: The images that were to be built, as they were.
      type: str
    after:
      description: The same after the build, each with its reason.
      type: str
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.module import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "servers": {"type": "list", "elements": "dict", "required": True},
    "templates": {"type": "path", "required": True},
    "bases": {
        "type": "dict",
        "default": {},
        "options": {
            "node": {"type": "str", "default": "node:22-slim"},
            "python": {"type": "str", "default": "python:3.12-slim"},
        },
    },
    "limits": {
        "type": "dict",
        "default": {},
        "options": {
            "memory": {"type": "int", "default": 2147483648},
            "cpus": {"type": "float", "default": 2.0},
            "timeout": {"type": "int", "default": 900},
        },
    },
    "on_hosts": {"type": "list", "elements": "str"},
    "registry": {"type": "str", "default": ""},
    "push": {"type": "list", "elements": "str", "default": []},
    "host": {"type": "str"},
    "hosts": {"type": "dict", "default": {}},
    "rebuild": {"type": "list", "elements": "str", "default": []},
    "rebuild_after_days": {"type": "int", "default": 0},
    "require_digests": {"type": "bool", "default": False},
    "sboms": {"type": "path"},
    "signatures": {"type": "path"},
    "fleet": {"type": "str", "default": "mcp"},
    "port_range_start": {"type": "int", "default": 20000},
    "port_range_end": {"type": "int", "default": 29999},
    "host_ports": {"type": "list", "elements": "int", "default": []},
    "rules_directory": {"type": "path"},
    "docker_host": {"type": "str"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
