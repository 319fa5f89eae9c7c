"""What an operation may know besides the request and the world."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from local_alb.model.world import Target, TargetGroup
from local_alb.validation.quotas import Quotas


class HealthView(Protocol):
    """Where DescribeTargetHealth learns how targets are."""

    def describe(self, group: TargetGroup, target: Target) -> dict[str, Any]:
        """Returns the TargetHealth structure of a registered target whose group is in use."""

    def load_balancer_state(self) -> dict[str, str]:
        """Returns the LoadBalancerState structure."""


def _new_id() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True)
class Context:
    """``now`` in seconds since the epoch; ``is_port_taken`` tells whether a port cannot be bound on this host;
    ``certificates`` the ARNs that an HTTPS listener may name."""

    now: float
    health: HealthView
    quotas: Quotas = field(default_factory=Quotas)
    new_id: Callable[[], str] = _new_id
    is_port_taken: Callable[[int], bool] = lambda port: False
    certificates: Callable[[], frozenset[str]] = frozenset
    dns_name: str = "localhost"
    page_size: int = 400
