"""Operations on listeners and their attributes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from local_alb.errors import ApiError, invalid_configuration, validation_error
from local_alb.model.lookup import listener, load_balancer
from local_alb.model.tls import SSL_POLICIES
from local_alb.model.world import Document, Listener, World, listener_arn
from local_alb.validation.actions import check_actions
from local_alb.validation.balancer_quotas import check_balancer_quotas

from .context import Context
from .paging import page_of
from .tags import tags_of_request

DEFAULT_SSL_POLICY = "ELBSecurityPolicy-2016-08"


def describe(item: Listener) -> Document:
    """Returns the Listener structure."""
    described: Document = {
        "ListenerArn": item.arn,
        "LoadBalancerArn": item.load_balancer_arn,
        "Port": item.port,
        "Protocol": item.protocol,
        "DefaultActions": list(item.default_actions),
    }
    if item.protocol == "HTTPS":
        described["SslPolicy"] = item.ssl_policy
        described["Certificates"] = [{"CertificateArn": arn} for arn in item.certificates]
    return described


def _tls(protocol: str, request: dict[str, Any], context: Context) -> tuple[str | None, tuple[str, ...]]:
    """Returns the security policy and the certificates of a request; none of both for HTTP."""
    certificates = tuple(item.get("CertificateArn", "") for item in request.get("Certificates") or [])
    policy = request.get("SslPolicy")
    for member in ("MutualAuthentication", "AlpnPolicy"):
        if request.get(member):
            raise invalid_configuration(f"'{member}' is not supported by the local load balancer")
    if protocol == "HTTP":
        if certificates or policy:
            raise validation_error("A certificate or security policy cannot be specified for an HTTP listener")
        return None, ()
    if len(certificates) != 1:
        raise validation_error("Exactly one certificate must be specified for an HTTPS listener")
    if any("IsDefault" in item for item in request["Certificates"]):
        raise validation_error("'IsDefault' must not be specified here")
    if certificates[0] not in context.certificates():
        raise ApiError("CertificateNotFound", f"Certificate '{certificates[0]}' not found")
    policy = policy or DEFAULT_SSL_POLICY
    if policy not in SSL_POLICIES:
        raise ApiError("SSLPolicyNotFound", f"SSL policy '{policy}' not found")
    return policy, certificates


def _check_protocol(protocol: str) -> None:
    if protocol not in ("HTTP", "HTTPS"):
        raise ApiError("UnsupportedProtocol", f"Protocol '{protocol}' is not supported by Application Load Balancers")


def create_listener(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """CreateListener. The same port with the same settings is no error and answers with the existing listener."""
    owner = load_balancer(world, request["LoadBalancerArn"])
    for member in ("Port", "Protocol"):
        if member not in request:
            raise validation_error(f"A listener {member.lower()} must be specified")
    _check_protocol(request["Protocol"])
    policy, certificates = _tls(request["Protocol"], request, context)
    new = Listener(
        arn=listener_arn(owner.arn, context.new_id()),
        load_balancer_arn=owner.arn,
        port=request["Port"],
        protocol=request["Protocol"],
        default_actions=check_actions(request["DefaultActions"], world, context.quotas, owner.arn, request["Protocol"]),
        ssl_policy=policy,
        certificates=certificates,
        tags=tags_of_request(request.get("Tags")),
    )
    for existing in world.listeners_of(owner.arn):
        if existing.port == new.port:
            if replace(new, arn=existing.arn, tags=existing.tags, attributes=existing.attributes) == existing:
                return world, {"Listeners": [describe(existing)]}
            raise ApiError(
                "DuplicateListener", f"A listener already exists on this port for this load balancer '{owner.arn}'"
            )
    _check_port_free(world, new.port, context)
    context.quotas.check(
        "listeners-per-application-load-balancer",
        len(world.listeners_of(owner.arn)) + 1,
        "TooManyListeners",
        "The maximum number of listeners on the load balancer has been reached",
    )
    world = world.with_listener(new)
    check_balancer_quotas(world, owner.arn, context.quotas)
    return world, {"Listeners": [describe(new)]}


def _check_port_free(world: World, port: int, context: Context) -> None:
    # All load balancers share this host's ports, which AWS's do not.
    if any(item.port == port for item in world.listeners.values()) or context.is_port_taken(port):
        raise invalid_configuration(f"Port {port} is in use on this host")


def modify_listener(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """ModifyListener replaces what it names and leaves the rest."""
    item = listener(world, request["ListenerArn"])
    protocol = request.get("Protocol", item.protocol)
    _check_protocol(protocol)
    port = request.get("Port", item.port)
    if port != item.port:
        if any(other.port == port for other in world.listeners_of(item.load_balancer_arn)):
            raise ApiError("DuplicateListener", f"A listener already exists on port {port} of this load balancer")
        _check_port_free(world, port, context)
    policy, certificates = item.ssl_policy, item.certificates
    if protocol == "HTTP" or request.get("Certificates") or request.get("SslPolicy") or protocol != item.protocol:
        merged = dict(request)
        if protocol == "HTTPS":
            merged.setdefault("SslPolicy", item.ssl_policy)
            merged.setdefault("Certificates", [{"CertificateArn": arn} for arn in item.certificates])
            if not merged["Certificates"]:
                raise invalid_configuration("Exactly one certificate must be given for the listener to become HTTPS")
        policy, certificates = _tls(protocol, merged, context)
    actions = item.default_actions
    if "DefaultActions" in request:
        actions = check_actions(request["DefaultActions"], world, context.quotas, item.load_balancer_arn, protocol)
    item = replace(
        item, port=port, protocol=protocol, default_actions=actions, ssl_policy=policy, certificates=certificates
    )
    world = world.with_listener(item)
    check_balancer_quotas(world, item.load_balancer_arn, context.quotas)
    return world, {"Listeners": [describe(item)]}


def delete_listener(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """DeleteListener takes the listener's rules along."""
    return world.without_listener(listener(world, request["ListenerArn"]).arn), {}


def describe_listeners(world: World, request: dict[str, Any], context: Context) -> Document:
    """DescribeListeners of one load balancer or of given ARNs."""
    if bool(request.get("LoadBalancerArn")) == bool(request.get("ListenerArns")):
        raise validation_error("Either a load balancer ARN or listener ARNs must be specified, not both")
    if request.get("LoadBalancerArn"):
        items = world.listeners_of(load_balancer(world, request["LoadBalancerArn"]).arn)
    else:
        items = [listener(world, arn) for arn in dict.fromkeys(request["ListenerArns"])]
    part, marker = page_of(items, lambda item: item.arn, request, context.page_size)
    return {"Listeners": [describe(item) for item in part], **marker}


def describe_listener_certificates(world: World, request: dict[str, Any], context: Context) -> Document:
    """DescribeListenerCertificates: the one certificate of an HTTPS listener, none of an HTTP one."""
    item = listener(world, request["ListenerArn"])
    items = [{"CertificateArn": arn, "IsDefault": index == 0} for index, arn in enumerate(item.certificates)]
    part, marker = page_of(items, lambda entry: str(entry["CertificateArn"]), request, context.page_size)
    return {"Certificates": list(part), **marker}
