"""The quotas of an Application Load Balancer, by their names in DescribeAccountLimits.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html.
"""

from __future__ import annotations

from collections.abc import Mapping

from local_alb.errors import ApiError

DEFAULTS: dict[str, int] = {
    "application-load-balancers": 50,
    "target-groups": 3000,
    "targets-per-application-load-balancer": 1000,
    "listeners-per-application-load-balancer": 50,
    "rules-per-application-load-balancer": 100,
    "condition-values-per-alb-rule": 5,
    "condition-wildcards-per-alb-rule": 6,
    "target-groups-per-application-load-balancer": 100,
    "target-groups-per-action-on-application-load-balancer": 5,
    "certificates-per-application-load-balancer": 25,
    "targets-per-target-group": 1000,
    "target-id-registrations-per-application-load-balancer": 1000,
}

MAX_TAGS = 50
MAX_DESCRIBED_TAG_RESOURCES = 20


class Quotas:
    """Limits by name; ``overrides`` replaces some of AWS's defaults."""

    def __init__(self, overrides: Mapping[str, int] | None = None) -> None:
        unknown = set(overrides or {}) - set(DEFAULTS)
        if unknown:
            raise ValueError(f"no such quota: {', '.join(sorted(unknown))}; there are {', '.join(sorted(DEFAULTS))}")
        self.limits = {**DEFAULTS, **(overrides or {})}

    def check(self, name: str, wanted: int, code: str, message: str) -> None:
        """Raises ``code`` where ``wanted`` things are more than the quota ``name`` allows."""
        if wanted > self.limits[name]:
            raise ApiError(code, f"{message}: '{self.limits[name]}'")
