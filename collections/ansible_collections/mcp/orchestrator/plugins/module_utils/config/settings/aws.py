# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[aws]: the load balancer of AWS, and this host's place behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import (
    address,
    matching,
    number,
    one_of,
)

_ARN = r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:"


@dataclass(frozen=True)
class Aws:
    """Where the load balancer is, and what this host is to it. All empty: the local ALB.

    ``listener_port`` chooses a listener of ``alb_name`` or ``alb_arn``; 0 is its only one. ``target_address`` belongs
    to ``target_type`` ip, ``instance_id`` to instance.
    """

    listener_arn: str = setting(
        "",
        matching(
            _ARN + r"listener/app/[^/\s]+/[0-9a-f]+/[0-9a-f]+", "the ARN of an application load balancer's listener"
        ),
        "The Application Load Balancer's listener that gets the rules.",
        empty="the embedded load balancer of this host, unless alb_name or alb_arn names one",
    )
    alb_name: str = setting(
        "",
        matching(
            r"(?!-)[A-Za-z0-9-]{1,32}(?<!-)", "the name of a load balancer; use letters, digits and '-', at most 32"
        ),
        "The load balancer, where listener_arn does not name its listener.",
    )
    alb_arn: str = setting(
        "",
        matching(_ARN + r"loadbalancer/app/[^/\s]+/[0-9a-f]+", "the ARN of an application load balancer"),
        "The same, by its ARN.",
    )
    listener_port: int = setting(
        0, number(1, 65535), "The port of the listener at alb_name or alb_arn.", empty="its only listener"
    )
    region: str = setting(
        "",
        matching(r"[a-z]{2}(-[a-z]+)+-[0-9]+", "a region; write for example eu-central-1"),
        "The region of all calls to AWS.",
        empty="as the ARN says, otherwise as the metadata of this instance says",
    )
    vpc_id: str = setting(
        "",
        matching(r"vpc-[0-9a-f]{8,17}", "the id of a VPC; it begins with vpc-"),
        "The VPC of the target groups.",
        empty="as the load balancer says",
    )
    instance_id: str = setting(
        "",
        matching(r"i-[0-9a-f]{8,17}", "the id of an instance; it begins with i-"),
        "The instance that the target groups point to.",
        empty="as the metadata of this instance says",
    )
    target_type: str = setting(
        "instance", one_of("instance", "ip"), "How this host is registered: as an instance, or by its address."
    )
    target_address: str = setting(
        "", address, "The address of this host, for target_type = ip.", empty="as the metadata of this instance says"
    )

    @property
    def is_named(self) -> bool:
        """Returns whether a load balancer of AWS is named, in any of the three ways. Without one the local ALB is used.

        Nobody else answers this question from the single keys.
        """
        return bool(self.listener_arn or self.alb_name or self.alb_arn)

    @property
    def effective_region(self) -> str:
        """The region of all calls to AWS: as it is written, else that of the listener's or the load balancer's ARN.

        Empty where neither is said: boto3's own configuration, or the instance's metadata, then say it.
        """
        return self.region or region_of(self.listener_arn) or region_of(self.alb_arn)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yields the keys that cannot hold together with others, each with the reason and the way out."""
        if self.listener_arn and (self.alb_name or self.listener_port):
            yield "alb_name" if self.alb_name else "listener_port", "says the same as listener_arn; keep one"
        elif self.listener_port and not self.is_named:
            yield "listener_port", "belongs to a load balancer; name it with alb_name"
        if self.target_address and self.target_type != "ip":
            yield "target_address", "is for target_type = ip"


def region_of(arn: str) -> str:
    """Returns the region in an ARN (``arn:partition:service:region:account:resource``), or "" for other texts."""
    parts = arn.split(":")
    return parts[3] if len(parts) >= 6 and parts[0] == "arn" else ""
