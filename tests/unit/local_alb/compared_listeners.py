"""Listeners, their attributes and certificates, as this load balancer and moto have them."""

from __future__ import annotations

from typing import Any

from tests.unit.local_alb.compared import (
    POLICY,
    World,
    both_refuse,
    differs,
    documented_refusal,
    picked,
    same,
    sizes_of_pages,
    values_of,
)
from tests.unit.local_alb.inprocess import Document

SERVER = "routing.http.response.server.enabled"
OTHER: Document = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}


def shown(world: World, listener: str) -> Document:
    found = world.client.describe_listeners(ListenerArns=[listener])["Listeners"][0]
    return {
        **picked(found, "ListenerArn", "LoadBalancerArn", "Port", "Protocol", "Certificates"),
        # moto gives a plain HTTP listener one, too.
        "SslPolicy": found.get("SslPolicy") if found["Protocol"] == "HTTPS" else None,
        "actions": [action["Type"] for action in found["DefaultActions"]],
    }


def ports(world: World, **request: Any) -> list[int]:
    return [item["Port"] for item in world.client.describe_listeners(**request)["Listeners"]]


def forwarding(world: World) -> list[str]:
    """The actions of a new listener that forwards, and the load balancers of its group."""
    group = world.group()
    world.new_listener(DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    found = world.client.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
    return [arn for arn in found["LoadBalancerArns"] if arn == world.balancer]


def to_a_group_that_is_gone(world: World) -> str:
    action = {"Type": "forward", "TargetGroupArn": world.gone(world.group())}
    return world.new_listener(DefaultActions=[action])


def modified(world: World, listener: str | None = None, **changes: Any) -> Document:
    arn = listener or world.new_listener()
    world.client.modify_listener(ListenerArn=arn, **changes)
    return shown(world, arn)


def deleted(world: World, times: int = 1) -> list[int]:
    arn = world.new_listener()
    for _ in range(times):
        world.client.delete_listener(ListenerArn=arn)
    return ports(world, LoadBalancerArn=world.balancer)


def deleted_with_its_rules(world: World) -> Any:
    rule = world.rule()
    world.client.delete_listener(ListenerArn=world.listener)
    return world.client.describe_rules(RuleArns=[rule])["Rules"]


def in_pages(world: World) -> list[int]:
    world.new_listener()
    ask = world.client.describe_listeners
    return sizes_of_pages(ask, "Listeners", LoadBalancerArn=world.balancer, PageSize=1)


def attributes(world: World, listener: str) -> list[Document]:
    return list(world.client.describe_listener_attributes(ListenerArn=listener)["Attributes"])


def with_attribute(world: World, listener: str, key: str, value: str) -> Document:
    world.client.modify_listener_attributes(ListenerArn=listener, Attributes=[{"Key": key, "Value": value}])
    return values_of(attributes(world, listener), key)


def certificates(world: World, listener: str) -> list[Document]:
    return list(world.client.describe_listener_certificates(ListenerArn=listener)["Certificates"])


CASES = [
    same("CreateListener", "HTTP", lambda w: shown(w, w.new_listener())),
    same("CreateListener", "HTTPS", lambda w: shown(w, w.https())),
    same("CreateListener", "that forwards", forwarding),
    differs(
        "CreateListener",
        "same again",
        lambda w: w.new_listener() == w.new_listener(),
        True,
        "CreateListener: idempotent, the same settings again succeed",
    ),
    documented_refusal(
        "CreateListener",
        "port taken",
        lambda w: [w.new_listener(), w.new_listener(DefaultActions=[OTHER])],
        "CreateListener, errors: a listener with the specified port already exists",
        "DuplicateListener",
    ),
    both_refuse(
        "CreateListener",
        "load balancer gone",
        lambda w: w.new_listener(LoadBalancerArn=w.gone(w.balancer)),
        "LoadBalancerNotFound",
    ),
    both_refuse("CreateListener", "group gone", to_a_group_that_is_gone, "TargetGroupNotFound"),
    documented_refusal(
        "CreateListener",
        "no certificate",
        lambda w: w.new_listener(Protocol="HTTPS"),
        "CreateListener, Certificates: you must provide exactly one for HTTPS",
    ),
    documented_refusal(
        "CreateListener",
        "certificate gone",
        lambda w: w.new_listener(Protocol="HTTPS", Certificates=[{"CertificateArn": f"{w.certificate}x"}]),
        "CreateListener, errors: the specified certificate does not exist",
        "CertificateNotFound",
    ),
    documented_refusal(
        "CreateListener",
        "TCP",
        lambda w: w.new_listener(Protocol="TCP"),
        "CreateListener, errors: the specified protocol is not supported",
        "UnsupportedProtocol",
    ),
    documented_refusal(
        "CreateListener",
        "port 70000",
        lambda w: w.new_listener(Port=70000),
        "CreateListener, Port: 1 to 65535",
    ),
    documented_refusal(
        "CreateListener",
        "no actions",
        lambda w: w.new_listener(DefaultActions=[]),
        "CreateListener, DefaultActions: required",
    ),
    same("DeleteListener", "once", deleted),
    both_refuse("DeleteListener", "twice", lambda w: deleted(w, 2), "ListenerNotFound"),
    both_refuse("DeleteListener", "with its rules", deleted_with_its_rules, "RuleNotFound"),
    same("DescribeListeners", "of a load balancer", lambda w: ports(w, LoadBalancerArn=w.balancer)),
    same("DescribeListeners", "by ARN", lambda w: ports(w, ListenerArns=[w.new_listener()])),
    differs(
        "DescribeListeners",
        "in pages",
        in_pages,
        [1, 1],
        "DescribeListeners: Marker and PageSize",
    ),
    both_refuse(
        "DescribeListeners",
        "of none",
        lambda w: ports(w, LoadBalancerArn=w.gone(w.balancer)),
        "LoadBalancerNotFound",
    ),
    both_refuse("DescribeListeners", "gone", lambda w: ports(w, ListenerArns=[w.gone(w.listener)]), "ListenerNotFound"),
    both_refuse("DescribeListeners", "of nothing", ports),
    same("ModifyListener", "port", lambda w: modified(w, Port=8090)),
    same("ModifyListener", "actions", lambda w: modified(w, DefaultActions=[OTHER])),
    same(
        "ModifyListener",
        "to HTTPS",
        lambda w: modified(w, Protocol="HTTPS", Certificates=[{"CertificateArn": w.certificate}], SslPolicy=POLICY),
    ),
    documented_refusal(
        "ModifyListener",
        "port taken",
        lambda w: modified(w, Port=8080),
        "ModifyListener, errors: a listener with the specified port already exists",
        "DuplicateListener",
    ),
    both_refuse("ModifyListener", "gone", lambda w: modified(w, w.gone(w.listener), Port=1), "ListenerNotFound"),
    both_refuse(
        "ModifyListener", "to HTTPS with none", lambda w: modified(w, Protocol="HTTPS"), "InvalidConfigurationRequest"
    ),
    both_refuse(
        "ModifyListener",
        "policy gone",
        lambda w: modified(w, w.https(), SslPolicy="none"),
        "SSLPolicyNotFound",
    ),
    differs(
        "DescribeListenerAttributes",
        "defaults",
        lambda w: values_of(attributes(w, w.listener), SERVER),
        {SERVER: "true"},
        "ListenerAttribute: the server header is sent by default",
    ),
    both_refuse("DescribeListenerAttributes", "gone", lambda w: attributes(w, w.gone(w.listener)), "ListenerNotFound"),
    same("ModifyListenerAttributes", "no server header", lambda w: with_attribute(w, w.listener, SERVER, "false")),
    documented_refusal(
        "ModifyListenerAttributes",
        "no such key",
        lambda w: with_attribute(w, w.listener, "colour", "red"),
        "ListenerAttribute: the keys that there are",
    ),
    documented_refusal(
        "ModifyListenerAttributes",
        "no flag",
        lambda w: with_attribute(w, w.listener, SERVER, "maybe"),
        'ListenerAttribute, …server.enabled: "true" or "false"',
    ),
    both_refuse(
        "ModifyListenerAttributes",
        "gone",
        lambda w: with_attribute(w, w.gone(w.listener), SERVER, "false"),
        "ListenerNotFound",
    ),
    same("DescribeListenerCertificates", "one", lambda w: certificates(w, w.https())),
    both_refuse(
        "DescribeListenerCertificates", "gone", lambda w: certificates(w, w.gone(w.listener)), "ListenerNotFound"
    ),
]
