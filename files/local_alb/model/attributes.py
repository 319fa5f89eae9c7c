"""Attributes of load balancers, listeners and target groups: which there are, their defaults and what they may be.

Source: the LoadBalancerAttribute, ListenerAttribute and TargetGroupAttribute pages of the API reference; only what
applies to Application Load Balancers with instance or ip targets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from local_alb.errors import invalid_configuration, validation_error

# (default, test that a value must pass, what it may be in words)
Attribute = tuple[str, Callable[[str], bool], str]


def _one_of(default: str, *choices: str) -> Attribute:
    return default, lambda value: value in choices, f"one of {', '.join(choices)}"


def _seconds(default: int, low: int, high: int, *others: int) -> Attribute:
    def fits(value: str) -> bool:
        return bool(re.fullmatch(r"[0-9]{1,7}", value)) and (low <= int(value) <= high or int(value) in others)

    also = "".join(f" or {other}" for other in others)
    return str(default), fits, f"between {low} and {high}{also}"


def _count(default: str, high: int, *words: str) -> Attribute:
    def fits(value: str) -> bool:
        return value in words or (bool(re.fullmatch(r"[0-9]{1,7}", value)) and 1 <= int(value) <= high)

    return default, fits, " or ".join([*words, f"between 1 and {high}"])


def _text(default: str = "", longest: int = 1024) -> Attribute:
    return default, lambda value: len(value) <= longest and value.isprintable(), f"text of at most {longest} characters"


_FLAG = ("true", "false")
_DAY, _WEEK = 86_400, 604_800

# All are kept and described. What concerns logs, zones, firewalls and addresses has no effect here, nor have the desync
# mode (HAProxy always refuses ambiguous requests) and the client keep-alive.
LOAD_BALANCER: Mapping[str, Attribute] = {
    "access_logs.s3.enabled": _one_of("false", "false"),
    "access_logs.s3.bucket": _text(),
    "access_logs.s3.prefix": _text(),
    "client_keep_alive.seconds": _seconds(3600, 60, _WEEK),
    "connection_logs.s3.enabled": _one_of("false", "false"),
    "connection_logs.s3.bucket": _text(),
    "connection_logs.s3.prefix": _text(),
    "deletion_protection.enabled": _one_of("false", *_FLAG),
    "health_check_logs.s3.enabled": _one_of("false", "false"),
    "health_check_logs.s3.bucket": _text(),
    "health_check_logs.s3.prefix": _text(),
    "idle_timeout.timeout_seconds": _seconds(60, 1, 4000),
    "ipv6.deny_all_igw_traffic": _one_of("false", *_FLAG),
    "load_balancing.cross_zone.enabled": _one_of("true", "true"),
    "routing.http.desync_mitigation_mode": _one_of("defensive", "monitor", "defensive", "strictest"),
    "routing.http.drop_invalid_header_fields.enabled": _one_of("false", *_FLAG),
    "routing.http.preserve_host_header.enabled": _one_of("false", *_FLAG),
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": _one_of("false", *_FLAG),
    "routing.http.xff_client_port.enabled": _one_of("false", *_FLAG),
    "routing.http.xff_header_processing.mode": _one_of("append", "append", "preserve", "remove"),
    "routing.http2.enabled": _one_of("true", *_FLAG),
    "waf.fail_open.enabled": _one_of("false", *_FLAG),
    "zonal_shift.config.enabled": _one_of("false", *_FLAG),
}

TARGET_GROUP: Mapping[str, Attribute] = {
    "deregistration_delay.timeout_seconds": _seconds(300, 0, 3600),
    "load_balancing.algorithm.anomaly_mitigation": _one_of("off", "on", "off"),
    "load_balancing.algorithm.type": _one_of(
        "round_robin", "round_robin", "least_outstanding_requests", "weighted_random"
    ),
    "load_balancing.cross_zone.enabled": _one_of(
        "use_load_balancer_configuration", *_FLAG, "use_load_balancer_configuration"
    ),
    "slow_start.duration_seconds": _seconds(0, 30, 900, 0),
    "stickiness.app_cookie.cookie_name": _text(longest=256),
    "stickiness.app_cookie.duration_seconds": _seconds(_DAY, 1, _WEEK),
    "stickiness.enabled": _one_of("false", *_FLAG),
    "stickiness.lb_cookie.duration_seconds": _seconds(_DAY, 1, _WEEK),
    "stickiness.type": _one_of("lb_cookie", "lb_cookie", "app_cookie"),
    "target_group_health.dns_failover.minimum_healthy_targets.count": _count("1", 1000, "off"),
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": _count("off", 100, "off"),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": _count("1", 1000),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": _count("off", 100, "off"),
}

_CORS = "routing.http.response.access_control"
LISTENER: Mapping[str, Attribute] = {
    "routing.http.response.server.enabled": _one_of("true", *_FLAG),
    "routing.http.response.strict_transport_security.header_value": _text(),
    f"{_CORS}_allow_origin.header_value": _text(),
    f"{_CORS}_allow_methods.header_value": _text(),
    f"{_CORS}_allow_headers.header_value": _text(),
    f"{_CORS}_allow_credentials.header_value": _text(),
    f"{_CORS}_expose_headers.header_value": _text(),
    f"{_CORS}_max_age.header_value": _text(),
    "routing.http.response.content_security_policy.header_value": _text(),
    "routing.http.response.x_content_type_options.header_value": _text(),
    "routing.http.response.x_frame_options.header_value": _text(),
}


def attribute(known: Mapping[str, Attribute], explicit: Mapping[str, str], key: str) -> str:
    """Returns the value of one attribute: what was set, or AWS's default."""
    return explicit.get(key, known[key][0])


def described(known: Mapping[str, Attribute], explicit: Mapping[str, str]) -> list[dict[str, str]]:
    """Returns all attributes with their values, as the Describe…Attributes calls list them."""
    return [{"Key": key, "Value": attribute(known, explicit, key)} for key in known]


def modified(
    known: Mapping[str, Attribute], explicit: Mapping[str, str], request: list[dict[str, str]]
) -> dict[str, str]:
    """Returns ``explicit`` with the attributes of a Modify…Attributes request.

    Raises ApiError where one is not acceptable.
    """
    if not request:
        raise validation_error("At least one attribute must be specified")
    keys = [item.get("Key", "") for item in request]
    if len(set(keys)) != len(keys):
        raise invalid_configuration("An attribute is given more than once")
    result = dict(explicit)
    for item in request:
        key, value = item.get("Key", ""), item.get("Value", "")
        if key not in known:
            raise validation_error(f"Attribute key '{key}' is not recognized")
        _, fits, words = known[key]
        if not fits(value):
            raise validation_error(f"The value '{value}' of the attribute '{key}' must be {words}")
        result[key] = value
    return result


def check_target_group(explicit: Mapping[str, str]) -> None:
    """Raises ApiError where attributes of a target group contradict each other."""
    algorithm = attribute(TARGET_GROUP, explicit, "load_balancing.algorithm.type")
    if algorithm != "round_robin" and attribute(TARGET_GROUP, explicit, "slow_start.duration_seconds") != "0":
        raise invalid_configuration("Slow start needs the load balancing algorithm 'round_robin'")
    mitigation = attribute(TARGET_GROUP, explicit, "load_balancing.algorithm.anomaly_mitigation")
    if mitigation == "on" and algorithm != "weighted_random":
        raise invalid_configuration("Anomaly mitigation needs the load balancing algorithm 'weighted_random'")
    cookie = attribute(TARGET_GROUP, explicit, "stickiness.app_cookie.cookie_name")
    if attribute(TARGET_GROUP, explicit, "stickiness.type") == "app_cookie":
        if not cookie:
            raise invalid_configuration("The stickiness type 'app_cookie' needs a cookie name")
        # RFC 6265 allows more; those characters mean something to HAProxy.
        if not re.fullmatch(r"[A-Za-z0-9_.\-]+", cookie):
            raise invalid_configuration(f"'{cookie}' is not a valid cookie name")
        if re.match(r"AWSALB(APP|TG)?", cookie):
            raise invalid_configuration(f"The cookie name '{cookie}' begins with a prefix that is reserved")
