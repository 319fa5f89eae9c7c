# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The load balancers that a fleet's requests go through: where each one's API is, and what this host is to it."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.exposure import LOOPBACK

# The one listener that the local ALB makes on its first start, and its name for this host.
LOCAL_LISTENER_ARN = (
    "arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/mcp-local/0000000000000001/0000000000000001"
)
LOCAL_INSTANCE_ID = "i-00000000000000001"
# Where an instance is 127.0.0.1 to the local ALB, ports that are open on every address are reached as well.
_AS_INSTANCE = (LOOPBACK, "0.0.0.0")  # noqa: S104
_LAST_PRIORITY = 50000


@dataclass(frozen=True)
class ControlPlane:
    """Where a balancer's API answers if not at AWS, and the file on this host with the access key for it."""

    endpoint_url: str | None = None
    credentials_file: str | None = None


@dataclass(frozen=True)
class Balancer:
    """One load balancer.

    Its listener is named by ``listener_arn``, or by ``load_balancer_name`` and, where that has several,
    ``listener_port``. ``target_id`` is this host, an instance id or an address as ``target_type`` says; empty is what
    the host's metadata service tells. ``keeps_sessions`` is whether it leads an MCP session to the target that holds
    it, also while that is being deregistered; an ALB does not. ``vpc_id`` is that which the balancer has to be in,
    empty for any. Rules get priorities from ``priority_start`` to ``priority_end``.
    """

    control: ControlPlane
    listener_arn: str = ""
    load_balancer_name: str = ""
    listener_port: int | None = None
    region: str = ""
    vpc_id: str = ""
    target_type: str = "instance"
    target_id: str = ""
    keeps_sessions: bool = False
    priority_start: int = 1
    priority_end: int = _LAST_PRIORITY


def aws_balancer(settings: Settings, control: ControlPlane | None = None) -> Balancer:
    """Returns the balancer that ``[aws]`` names. ``control`` is for an API that answers elsewhere than at AWS."""
    aws = settings.aws
    of_arn = aws.alb_arn.split("/")[2] if aws.alb_arn else ""
    return Balancer(
        control=control or ControlPlane(),
        listener_arn=aws.listener_arn,
        load_balancer_name="" if aws.listener_arn else aws.alb_name or of_arn,
        listener_port=aws.listener_port or None,
        region=aws.effective_region,
        vpc_id=aws.vpc_id,
        target_type=aws.target_type,
        target_id=aws.target_address if aws.target_type == "ip" else aws.instance_id,
        priority_start=settings.routes.priority_start,
        priority_end=settings.routes.priority_end,
    )


def local_balancer(settings: Settings, control: ControlPlane) -> Balancer:
    """Returns the embedded balancer, which has its targets on this host."""
    reached_at = settings.service.publish_address or LOOPBACK
    is_instance = reached_at in _AS_INSTANCE
    return Balancer(
        control=control,
        listener_arn=LOCAL_LISTENER_ARN,
        target_type="instance" if is_instance else "ip",
        target_id=LOCAL_INSTANCE_ID if is_instance else reached_at,
        keeps_sessions=True,
        priority_start=settings.routes.priority_start,
        priority_end=settings.routes.priority_end,
    )


def node_router(control: ControlPlane) -> Balancer:
    """Returns this host's router: a local ALB whose rules nobody else has a place among."""
    return Balancer(control=control, listener_arn=LOCAL_LISTENER_ARN, target_id=LOCAL_INSTANCE_ID, keeps_sessions=True)
