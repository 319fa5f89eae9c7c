"""Health-check settings of target groups.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
and API_ModifyTargetGroup.html beside it.
"""

from __future__ import annotations

import re
from typing import Any

from local_alb.errors import invalid_configuration, validation_error
from local_alb.model.world import Document, HealthCheck

# AWS's defaults for Application Load Balancers with instance and ip targets.
DEFAULTS = HealthCheck(
    protocol="HTTP",
    port="traffic-port",
    path="/",
    interval=30,
    timeout=5,
    healthy_threshold=5,
    unhealthy_threshold=2,
    matcher="200",
)


def health_check_of(request: dict[str, Any], current: HealthCheck) -> HealthCheck:
    """Returns ``current`` with what the request changes; raises ApiError where the result would not be acceptable."""
    if request.get("HealthCheckEnabled") is False:
        raise invalid_configuration("Health checks cannot be disabled for the target types 'instance' and 'ip'")
    check = HealthCheck(
        protocol=request.get("HealthCheckProtocol", current.protocol),
        port=request.get("HealthCheckPort", current.port),
        path=request.get("HealthCheckPath", current.path),
        interval=request.get("HealthCheckIntervalSeconds", current.interval),
        timeout=request.get("HealthCheckTimeoutSeconds", current.timeout),
        healthy_threshold=request.get("HealthyThresholdCount", current.healthy_threshold),
        unhealthy_threshold=request.get("UnhealthyThresholdCount", current.unhealthy_threshold),
        matcher=_matcher(request.get("Matcher"), current.matcher),
    )
    if check.protocol not in ("HTTP", "HTTPS"):
        raise invalid_configuration(f"The health check protocol must be HTTP or HTTPS, not '{check.protocol}'")
    if check.port != "traffic-port" and not (re.fullmatch(r"[0-9]{1,5}", check.port) and 1 <= int(check.port) <= 65535):
        raise validation_error(f"Health check port '{check.port}' must be 'traffic-port' or between 1 and 65535")
    if not check.path.startswith("/") or not re.fullmatch(r"[!-~]+", check.path):
        raise validation_error(f"Health check path '{check.path}' must start with '/' and hold no spaces")
    if check.timeout >= check.interval:
        raise validation_error("Health check timeout must be smaller than the interval")
    return check


def _matcher(matcher: Document | None, current: str) -> str:
    if matcher is None:
        return current
    if "GrpcCode" in matcher:
        raise invalid_configuration("gRPC codes need a target group with the protocol version GRPC")
    codes = matcher.get("HttpCode", "")
    parts = [re.fullmatch(r"([0-9]{3})(?:-([0-9]{3}))?", part) for part in codes.split(",")]
    for part in parts:
        if part is None:
            raise validation_error(f"Health check matcher HTTP code '{codes}' is not valid")
        low, high = int(part[1]), int(part[2] or part[1])
        if not 200 <= low <= high <= 499:
            raise validation_error(f"Health check matcher HTTP code '{codes}' must be within '200-499'")
    return str(codes)


def described(check: HealthCheck) -> Document:
    """Returns the members of a TargetGroup structure that tell how its targets are probed."""
    return {
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": check.port,
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": check.interval,
        "HealthCheckTimeoutSeconds": check.timeout,
        "HealthyThresholdCount": check.healthy_threshold,
        "UnhealthyThresholdCount": check.unhealthy_threshold,
        "HealthCheckPath": check.path,
        "Matcher": {"HttpCode": check.matcher},
    }
