"""Actions of rules and listeners: checked and brought into the form in which AWS describes them.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html.
"""

from __future__ import annotations

import re

from local_alb.errors import ApiError, validation_error
from local_alb.model.lookup import target_group
from local_alb.model.world import Document, World

from .jwt_actions import check_jwt
from .quotas import Quotas

ROUTING = ("forward", "redirect", "fixed-response")
CONFIGS = {
    "forward": "ForwardConfig",
    "redirect": "RedirectConfig",
    "fixed-response": "FixedResponseConfig",
    "jwt-validation": "JwtValidationConfig",
}
CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")
MAX_WEIGHT = 999
MAX_STICKINESS_SECONDS = 604_800


def check_actions(
    actions: list[Document], world: World, quotas: Quotas, load_balancer_arn: str, protocol: str
) -> tuple[Document, ...]:
    """Returns the actions in described form, in the order in which they are performed.

    ``load_balancer_arn`` and ``protocol`` are those of the listener. Raises ApiError where AWS would refuse.
    """
    if not actions:
        raise validation_error("At least one action must be specified")
    for action in actions:
        if len(actions) > 1 and "Order" not in action:
            raise validation_error("An action order must be specified when there are several actions")
    ordered = sorted(actions, key=lambda action: action.get("Order", 1))
    orders = [action.get("Order", 1) for action in ordered]
    if len(set(orders)) != len(orders):
        raise validation_error("Two actions have the same order")
    routing = [action for action in ordered if action["Type"] in ROUTING]
    if len(routing) > 1:
        raise ApiError("TooManyActions", "A rule can only have one routing action")
    if not routing or ordered[-1]["Type"] not in ROUTING:
        raise ApiError("InvalidLoadBalancerAction", "The last action must be 'forward', 'redirect' or 'fixed-response'")
    if len(ordered) > 2:
        raise ApiError("TooManyActions", "A rule can only have one authentication action")
    for action in ordered[:-1]:
        if protocol != "HTTPS":
            raise ApiError("InvalidLoadBalancerAction", f"Action type '{action['Type']}' needs an HTTPS listener")
    return tuple(_check(action, world, quotas, load_balancer_arn, protocol) for action in ordered)


def _check(action: Document, world: World, quotas: Quotas, load_balancer_arn: str, protocol: str) -> Document:
    kind = action["Type"]
    if kind not in CONFIGS:
        raise ApiError("InvalidLoadBalancerAction", f"Action type '{kind}' is not supported by the local load balancer")
    config_name = CONFIGS[kind]
    allowed = {"Type", "Order", config_name} | ({"TargetGroupArn"} if kind == "forward" else set())
    for other in set(action) - allowed:
        raise validation_error(f"'{other}' must not be specified for the action type '{kind}'")
    if kind == "forward":
        described = _forward(action, world, quotas, load_balancer_arn)
    else:
        if config_name not in action:
            raise validation_error(f"'{config_name}' must be specified for the action type '{kind}'")
        if kind == "redirect":
            config = _redirect(action[config_name], protocol)
        elif kind == "fixed-response":
            config = _fixed_response(action[config_name])
        else:
            config = check_jwt(action[config_name])
        described = {"Type": kind, config_name: config}
    if "Order" in action:
        described["Order"] = action["Order"]
    return described


def _forward(action: Document, world: World, quotas: Quotas, load_balancer_arn: str) -> Document:
    config = action.get("ForwardConfig", {})
    choices = config.get("TargetGroups") or []
    alone = action.get("TargetGroupArn")
    if alone and not choices:
        choices = [{"TargetGroupArn": alone}]
    if alone and (len(choices) != 1 or choices[0].get("TargetGroupArn") != alone):
        raise validation_error("'TargetGroupArn' must be the only target group of 'ForwardConfig'")
    if not choices:
        raise validation_error("A target group must be specified for the action type 'forward'")
    quotas.check(
        "target-groups-per-action-on-application-load-balancer",
        len(choices),
        "TooManyTargetGroups",
        "An action can forward to at most this many target groups",
    )
    described = [_choice(choice, world, load_balancer_arn) for choice in choices]
    if len({choice["TargetGroupArn"] for choice in described}) != len(described):
        raise validation_error("A target group can be named only once in an action")
    result: Document = {"Type": "forward"}
    if len(described) == 1:
        result["TargetGroupArn"] = described[0]["TargetGroupArn"]
    result["ForwardConfig"] = {
        "TargetGroups": described,
        "TargetGroupStickinessConfig": _stickiness(config.get("TargetGroupStickinessConfig", {})),
    }
    return result


def _choice(choice: Document, world: World, load_balancer_arn: str) -> Document:
    if "TargetGroupArn" not in choice:
        raise validation_error("Each target group of an action needs its 'TargetGroupArn'")
    group = target_group(world, choice["TargetGroupArn"])
    weight = choice.get("Weight", 1)
    if not 0 <= weight <= MAX_WEIGHT:
        raise validation_error(f"The weight {weight} of a target group is not between 0 and {MAX_WEIGHT}")
    if any(arn != load_balancer_arn for arn in world.load_balancers_using(group.arn)):
        raise ApiError(
            "TargetGroupAssociationLimit",
            f"The following target groups cannot be associated with more than one load balancer: {group.arn}",
        )
    return {"TargetGroupArn": group.arn, "Weight": weight}


def _stickiness(config: Document) -> Document:
    enabled = config.get("Enabled", False)
    if not enabled:
        return {"Enabled": False}
    duration = config.get("DurationSeconds")
    if duration is None or not 1 <= duration <= MAX_STICKINESS_SECONDS:
        raise validation_error(
            f"Target group stickiness needs a duration between 1 and {MAX_STICKINESS_SECONDS} seconds"
        )
    return {"Enabled": True, "DurationSeconds": duration}


def _fixed_response(config: Document) -> Document:
    if "StatusCode" not in config:
        raise validation_error("A fixed response needs a status code")
    content_type = config.get("ContentType")
    if content_type and content_type not in CONTENT_TYPES:
        raise ApiError(
            "InvalidLoadBalancerAction", f"The content type '{content_type}' must be one of {', '.join(CONTENT_TYPES)}"
        )
    return dict(config)


def _redirect(config: Document, listener_protocol: str) -> Document:
    if "StatusCode" not in config:
        raise validation_error("A redirect needs a status code")
    full = {"Protocol": "#{protocol}", "Host": "#{host}", "Port": "#{port}", "Path": "/#{path}", "Query": "#{query}"}
    full.update(config)
    if full["Protocol"] == "HTTP" and listener_protocol == "HTTPS":
        raise ApiError("InvalidLoadBalancerAction", "HTTPS cannot be redirected to HTTP")
    port = full["Port"]
    if port != "#{port}" and not (re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= 65535):
        raise validation_error(f"The redirect port '{port}' is neither '#{{port}}' nor between 1 and 65535")
    if not full["Path"].startswith("/"):
        raise validation_error(f"The redirect path '{full['Path']}' must start with '/'")
    allowed = {"Protocol": {"protocol"}, "Host": {"host"}, "Path": {"host", "path", "port"}}
    for member in ("Host", "Path", "Query"):
        words = set(re.findall(r"#\{([^}]*)\}", full[member]))
        known = allowed.get(member, {"protocol", "host", "port", "path", "query"})
        if words - known or not full[member].isprintable():
            raise validation_error(f"The redirect {member.lower()} '{full[member]}' is not valid")
    unchanged = ("#{protocol}", "#{host}", "#{port}", "/#{path}")
    if (full["Protocol"], full["Host"], full["Port"], full["Path"]) == unchanged:
        raise ApiError("InvalidLoadBalancerAction", "The redirect must change the protocol, host, port or path")
    return full
