# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the entry of a new server may not have when somebody else than root asks for it. Pure.

Who writes the config is trusted: an entry may name a file of this host and get its content, take the instance's
credentials, or let everybody pass the load balancer. The users of a page are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

_WAY_OUT = "root may ask for it (on the host), or write it into mcp.config.json"
_HEADER = "${header:"
_ENV_FILES = ("envfile", "env_file", "--env-file")


def of_entry(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yields what is wrong with an entry as it is written: it may look up nothing on this host."""
    texts = list(_texts(entry))
    if any("${" in each.replace(_HEADER, "") for each in texts):
        yield f"it refers to values of this host (${{…}}); give the values themselves; {_WAY_OUT}"
    if any(each.lower().startswith(_ENV_FILES) for each in texts):
        yield f"it names a file of variables on this host; give the variables in env; {_WAY_OUT}"


def _texts(value: Any) -> Iterator[str]:
    """All texts of a document, the keys among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield str(key)
            yield from _texts(below)
    elif isinstance(value, (list, tuple)):
        for below in value:
            yield from _texts(below)


def of_spec(spec: Spec | None, settings: Settings) -> Iterator[str]:
    """Yields what a server would have beyond the safe defaults, by its spec; None is a server that runs elsewhere."""
    if spec is None:
        yield f"it runs elsewhere, and its clients would send their requests there; {_WAY_OUT}"
        return
    beyond = {
        "mounts a path of this host": any(each.startswith("/") for each in spec.volumes),
        "has flags of docker run beyond the defaults": bool(spec.host_config or spec.container_config),
        "may reach the instance's metadata": bool(spec.egress.instance_metadata),
        "joins a network of the engine that is not the fleet's": spec.egress.engine_network
        not in (None, settings.defaults.network),
        "has a writable root": not spec.read_only and settings.defaults.read_only,
        "chooses whom the load balancer lets pass": spec.auth is not None or bool(spec.conditions),
        "chooses which signature its image needs": spec.signature_key != settings.defaults.signature_key,
        "requires other containers beside its own": bool(spec.requires),
        "chooses the number of its rule": spec.priority is not None,
        "has labels of its own": bool(spec.labels),
    }
    for what, is_so in beyond.items():
        if is_so:
            yield f"it {what}; {_WAY_OUT}"
