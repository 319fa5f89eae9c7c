"""What one load balancer may have behind it, however it came there: by a rule, by a listener or by a registration.

Source: "Quotas for your Application Load Balancers" in the user guide, and the errors that CreateRule, ModifyRule,
CreateListener, ModifyListener and RegisterTargets name in the API reference.
"""

from __future__ import annotations

from collections import Counter

from local_alb.errors import ApiError
from local_alb.model.world import World

from .quotas import Quotas


def check_balancer_quotas(world: World, load_balancer_arn: str, quotas: Quotas) -> None:
    """Raises ApiError where the load balancer would forward to more groups or targets than it may.

    ``world`` is the one after the change. Draining targets do not count: they get no requests any more.
    """
    groups = world.groups_of(load_balancer_arn)
    limit = quotas.limits["target-groups-per-application-load-balancer"]
    if len(groups) > limit:
        raise ApiError(
            "TooManyUniqueTargetGroupsPerLoadBalancer",
            "You have reached the maximum number of unique target groups that you can associate with a load balancer "
            f"of type 'application': [{limit}]",
        )
    registrations = Counter(
        target.id for arn in groups for target in world.target_groups[arn].targets if target.draining_until is None
    )
    quotas.check(
        "targets-per-application-load-balancer",
        registrations.total(),
        "TooManyTargets",
        "A load balancer can have at most this many targets",
    )
    for target_id, count in registrations.most_common(1):
        quotas.check(
            "target-id-registrations-per-application-load-balancer",
            count,
            "TooManyRegistrationsForTargetId",
            f"The target '{target_id}' can be registered at most this often with a load balancer",
        )
