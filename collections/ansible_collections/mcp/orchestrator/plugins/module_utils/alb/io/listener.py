# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a listener by its load balancer's name and its port."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError, ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.observe import Caller


def find_listener(api: Caller, load_balancer_name: str, port: int | None) -> str:
    """Returns the ARN of a load balancer's listener on a port, or of its only one.

    Raises AlbError where there is none, or more than one to choose from.
    """
    try:
        balancers = api.call("describe_load_balancers", {"Names": [load_balancer_name]})["LoadBalancers"]
    except ApiError as error:
        if error.name != "LoadBalancerNotFound":
            raise
        balancers = []
    if not balancers:
        raise AlbError(f"there is no load balancer named '{load_balancer_name}' in this region; correct the name")
    arguments = {"LoadBalancerArn": balancers[0]["LoadBalancerArn"]}
    listeners = {
        int(found["Port"]): str(found["ListenerArn"])
        for found in api.pages("describe_listeners", "Listeners", arguments)
    }
    if port is None and len(listeners) == 1:
        return next(iter(listeners.values()))
    if port is None or port not in listeners:
        has = ", ".join(str(number) for number in sorted(listeners)) or "none"
        wanted = "set listener_port to one of these" if port is None else f"none listens on {port}"
        raise AlbError(f"load balancer '{load_balancer_name}' has listeners on: {has}; {wanted}")
    return listeners[port]
